// Reads bodies as a service in Go does: encoding/json, into a struct.
//
// Each body comes as a letter, c for chat completions or r for responses,
// four bytes of length and the text; each is answered with a line of JSON.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strconv"
)

type chat struct {
	Model               *string  `json:"model"`
	Stream              *bool    `json:"stream"`
	MaxTokens           *float64 `json:"max_tokens"`
	MaxCompletionTokens *float64 `json:"max_completion_tokens"`
	Temperature         *float64 `json:"temperature"`
	N                   *float64 `json:"n"`
	User                *string  `json:"user"`
}

type responses struct {
	Model               *string  `json:"model"`
	Stream              *bool    `json:"stream"`
	MaxOutputTokens     *float64 `json:"max_output_tokens"`
	MaxTokens           *float64 `json:"max_tokens"`
	MaxCompletionTokens *float64 `json:"max_completion_tokens"`
	Temperature         *float64 `json:"temperature"`
}

func text(p *string) any {
	if p == nil {
		return nil
	}
	return "s" + hex.EncodeToString([]byte(*p))
}

func truth(p *bool) any {
	if p == nil {
		return nil
	}
	return "b" + strconv.FormatBool(*p)
}

func number(p *float64) any {
	if p == nil {
		return nil
	}
	return "n" + strconv.FormatFloat(*p, 'g', -1, 64)
}

func read(kind byte, body []byte) any {
	if kind == 'c' {
		var v *chat
		if json.Unmarshal(body, &v) != nil || v == nil {
			return "error"
		}
		return map[string]any{
			"model":                 text(v.Model),
			"stream":                truth(v.Stream),
			"max_tokens":            number(v.MaxTokens),
			"max_completion_tokens": number(v.MaxCompletionTokens),
			"temperature":           number(v.Temperature),
			"n":                     number(v.N),
			"user":                  text(v.User),
		}
	}

	var v *responses
	if json.Unmarshal(body, &v) != nil || v == nil {
		return "error"
	}
	return map[string]any{
		"model":                 text(v.Model),
		"stream":                truth(v.Stream),
		"max_output_tokens":     number(v.MaxOutputTokens),
		"max_tokens":            number(v.MaxTokens),
		"max_completion_tokens": number(v.MaxCompletionTokens),
		"temperature":           number(v.Temperature),
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	head := make([]byte, 5)

	for {
		if _, err := io.ReadFull(in, head); err != nil {
			break
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, body); err != nil {
			os.Exit(1)
		}
		line, err := json.Marshal(read(head[0], body))
		if err != nil {
			os.Exit(1)
		}
		out.Write(append(line, '\n'))
	}

	out.Flush()
}
