/* Documents, good and bad, with the error and the byte where it is found. */


#ifndef _SCAN_CASES_H_INCLUDED_
#define _SCAN_CASES_H_INCLUDED_


#define test_doc(s)  s, sizeof(s) - 1


typedef struct {
    const char        *text;
    size_t             len;
    ngx_comet_scan_e   error;
    uint64_t           offset;
} test_case_t;


#define good(s)            { test_doc(s), NGX_COMET_SCAN_NO_ERROR, 0 }
#define bad(s, name, at)   { test_doc(s), NGX_COMET_SCAN_##name, at }


static const test_case_t  test_cases[] = {

    /* the top value */

    good("0"), good("-0"), good("true"), good("false"), good("null"),
    good("\"\""), good("{}"), good("[]"), good(" \t\r\n[] \t\r\n"),
    bad("", EMPTY, 0),
    bad(" \n ", EMPTY, 3),
    bad("\xef\xbb\xbf{}", BOM, 0),
    bad("\xef", BOM, 0),
    bad("\xfe\xff\0{", BOM, 0),
    bad("\xff\xfe{\0", BOM, 0),
    bad(" \xef\xbb\xbf{}", NO_VALUE, 1),
    bad("{}\xef\xbb\xbf", TRAILING, 2),
    bad("{}{}", TRAILING, 2),
    bad("{} x", TRAILING, 3),
    bad("1 2", TRAILING, 2),
    bad("[]]", TRAILING, 2),
    bad("[]\0", TRAILING, 2),
    bad("{}\f", TRAILING, 2),
    bad("\v[]", NO_VALUE, 0),
    bad("\xc2\xa0[]", NO_VALUE, 0),
    bad("\xe2\x80\xa8[]", NO_VALUE, 0),
    bad("\0", NO_VALUE, 0),
    bad("x", NO_VALUE, 0),
    bad("'a'", NO_VALUE, 0),
    bad("// c\n1", NO_VALUE, 0),
    bad("1 /* c */", TRAILING, 2),
    bad("]", NO_VALUE, 0),
    bad(",", NO_VALUE, 0),
    bad(":", NO_VALUE, 0),

    /* arrays */

    good("[1]"), good("[1,2]"), good("[ 1 , 2 ]"), good("[[],[[]],{}]"),
    good("[\"a\",\"b\",null,true,false,-1.5e+3]"),
    bad("[", TRUNCATED, 1),
    bad("[1", TRUNCATED, 2),
    bad("[1,", TRUNCATED, 3),
    bad("[1 ", TRUNCATED, 3),
    bad("[[]", TRUNCATED, 3),
    bad("[,1]", NO_VALUE, 1),
    bad("[1,]", NO_VALUE, 3),
    bad("[1,,2]", NO_VALUE, 3),
    bad("[1 2]", NO_COMMA, 3),
    bad("[1}", NO_COMMA, 2),
    bad("[}", NO_VALUE, 1),
    bad("[1:2]", NO_COMMA, 2),
    bad("[\"a\" \"b\"]", NO_COMMA, 5),
    bad("[\"a\"\0]", NO_COMMA, 4),
    bad("[1,\f2]", NO_VALUE, 3),

    /* objects */

    good("{\"a\":1}"), good("{\"a\":1,\"a\":2}"), good("{\"\":{\"\":[]}}"),
    good(" { \"a\" : 1 , \"b\" : { } } "),
    bad("{", TRUNCATED, 1),
    bad("{\"a\"", TRUNCATED, 4),
    bad("{\"a", TRUNCATED, 3),
    bad("{\"a\":", TRUNCATED, 5),
    bad("{\"a\":1", TRUNCATED, 6),
    bad("{\"a\":1,", TRUNCATED, 7),
    bad("{\"a\":1,}", NO_NAME, 7),
    bad("{,}", NO_NAME, 1),
    bad("{a:1}", NO_NAME, 1),
    bad("{1:1}", NO_NAME, 1),
    bad("{null:1}", NO_NAME, 1),
    bad("{\"a\"}", NO_COLON, 4),
    bad("{\"a\",1}", NO_COLON, 4),
    bad("{\"a\" 1}", NO_COLON, 5),
    bad("{\"a\"=1}", NO_COLON, 4),
    bad("{\"a\"::1}", NO_VALUE, 5),
    bad("{\"a\":}", NO_VALUE, 5),
    bad("{\"a\":,", NO_VALUE, 5),
    bad("{\"a\":1]", NO_COMMA, 6),
    bad("{\"a\":1 \"b\":2}", NO_COMMA, 7),
    bad("{\"a\":1:2}", NO_COMMA, 6),
    bad("{]", NO_NAME, 1),
    bad("{{}:1}", NO_NAME, 1),
    bad("{'a':1}", NO_NAME, 1),

    /* literals */

    bad("t", TRUNCATED, 1),
    bad("tru", TRUNCATED, 3),
    bad("truE", BAD_LITERAL, 3),
    bad("trux", BAD_LITERAL, 3),
    bad("truee", TRAILING, 4),
    bad("True", NO_VALUE, 0),
    bad("[nul]", BAD_LITERAL, 4),
    bad("[nulll]", NO_COMMA, 5),
    bad("[fals", TRUNCATED, 5),
    bad("[fa lse]", BAD_LITERAL, 3),
    bad("NaN", NO_VALUE, 0),
    bad("nan", BAD_LITERAL, 1),
    bad("[Infinity]", NO_VALUE, 1),
    bad("[-Infinity]", BAD_NUMBER, 2),
    bad("[undefined]", NO_VALUE, 1),

    /* numbers */

    good("[0,-0,1,-1,10,1234567890,-9007199254740993]"),
    good("[0.0,-0.0,0.5,1.25,10.010,0e0,0E-0,1e5,1E+05,1.5e-300,-1.0E9999]"),
    good("1e1"), good("0.1"), good("12"), good("-12.5E-3"), good(" 7 "),
    good("{\"a\":1}"), good("{\"a\":1.5 }"), good("[1e2\n]"),
    bad("-", TRUNCATED, 1),
    bad("1.", TRUNCATED, 2),
    bad("1e", TRUNCATED, 2),
    bad("1e+", TRUNCATED, 3),
    bad("[1", TRUNCATED, 2),
    bad("[-]", BAD_NUMBER, 2),
    bad("[+1]", NO_VALUE, 1),
    bad("[.5]", NO_VALUE, 1),
    bad("[1.]", BAD_NUMBER, 3),
    bad("[1.e1]", BAD_NUMBER, 3),
    bad("[1e]", BAD_NUMBER, 3),
    bad("[1e+]", BAD_NUMBER, 4),
    bad("[1e+-1]", BAD_NUMBER, 4),
    bad("[1ee1]", BAD_NUMBER, 3),
    bad("[01]", BAD_NUMBER, 2),
    bad("[-01]", BAD_NUMBER, 3),
    bad("[00]", BAD_NUMBER, 2),
    bad("[--1]", BAD_NUMBER, 2),
    bad("[-a]", BAD_NUMBER, 2),
    bad("[0x10]", NO_COMMA, 2),
    bad("[1.5.5]", NO_COMMA, 4),
    bad("[1e5.5]", NO_COMMA, 4),
    bad("[1e5e5]", NO_COMMA, 4),
    bad("[1-1]", NO_COMMA, 2),
    bad("[1+1]", NO_COMMA, 2),
    bad("[1a]", NO_COMMA, 2),
    bad("[1_000]", NO_COMMA, 2),
    bad("[0 1]", NO_COMMA, 3),
    bad("1a", TRAILING, 1),
    bad("0\0", TRAILING, 1),
    bad("[- 1]", BAD_NUMBER, 2),
    bad("[\xef\xbc\x91]", NO_VALUE, 1),

    /* strings */

    good("\"a\""), good("\"\x7f\""), good("\" \""),
    good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    good("\"\\u0000\\u001f\\u00e9\\uABCD\\uabcd\\uffff\\uFDD0\""),
    good("\"\\ud83d\\ude00\\uD83D\\uDE00\\udbff\\udfff\\ud800\\udc00\""),
    good("\"\\ud7ff\\ue000\""),
    good("\"\\\\u0041\\\\\\\\\""),
    bad("\"", TRUNCATED, 1),
    bad("\"a", TRUNCATED, 2),
    bad("\"a\\", TRUNCATED, 3),
    bad("\"a\\\"", TRUNCATED, 4),
    bad("\"\\u", TRUNCATED, 3),
    bad("\"\\u00", TRUNCATED, 5),
    bad("\"\\u0041", TRUNCATED, 7),
    bad("\"\\ud83d", TRUNCATED, 7),
    bad("\"\\ud83d\\", TRUNCATED, 8),
    bad("\"\\ud83d\\ude0", TRUNCATED, 12),
    bad("\"\\x41\"", BAD_ESCAPE, 2),
    bad("\"\\a\"", BAD_ESCAPE, 2),
    bad("\"\\'\"", BAD_ESCAPE, 2),
    bad("\"\\0\"", BAD_ESCAPE, 2),
    bad("\"\\N\"", BAD_ESCAPE, 2),
    bad("\"\\U0041\"", BAD_ESCAPE, 2),
    bad("\"\\ \"", BAD_ESCAPE, 2),
    bad("\"\\\n\"", BAD_ESCAPE, 2),
    bad("\"\\\0\"", BAD_ESCAPE, 2),
    bad("\"\\\xc3\xa9\"", BAD_ESCAPE, 2),
    bad("\"\\v\"", BAD_ESCAPE, 2),
    bad("\"\\u\"", BAD_ESCAPE, 3),
    bad("\"\\u004\"", BAD_ESCAPE, 6),
    bad("\"\\u00g1\"", BAD_ESCAPE, 5),
    bad("\"\\u+041\"", BAD_ESCAPE, 3),
    bad("\"\\u 041\"", BAD_ESCAPE, 3),
    bad("\"\\u004`\"", BAD_ESCAPE, 6),
    bad("\"\\u004@\"", BAD_ESCAPE, 6),
    bad("\"\\u004:\"", BAD_ESCAPE, 6),
    bad("\"\\u004/\"", BAD_ESCAPE, 6),
    bad("\"\\u004G\"", BAD_ESCAPE, 6),
    bad("\"\\ud83d\"", BAD_SURROGATE, 7),
    bad("\"\\ud83dx\"", BAD_SURROGATE, 7),
    bad("\"\\ud83d\\n\"", BAD_SURROGATE, 8),
    bad("\"\\ud83d\\u0041\"", BAD_SURROGATE, 12),
    bad("\"\\ud83d\\ud83d\"", BAD_SURROGATE, 12),
    bad("\"\\ud83d\\ue000\"", BAD_SURROGATE, 12),
    bad("\"\\ud83d\\udbff\"", BAD_SURROGATE, 12),
    bad("\"\\ud83d\\u\"", BAD_ESCAPE, 9),
    bad("\"\\ude00\"", BAD_SURROGATE, 6),
    bad("\"\\uDC00\\uD800\"", BAD_SURROGATE, 6),
    bad("\"\\udfff\"", BAD_SURROGATE, 6),
    bad("\"a\nb\"", BAD_CONTROL, 2),
    bad("\"\0\"", BAD_CONTROL, 1),
    bad("\"\x1f\"", BAD_CONTROL, 1),
    bad("\"\t\"", BAD_CONTROL, 1),
    bad("{\"a\nb\":1}", BAD_CONTROL, 3),
    bad("{\"\\q\":1}", BAD_ESCAPE, 3),
    bad("{\"\xff\":1}", BAD_UTF8, 2),
    bad("\\\"\"", NO_VALUE, 0),

    /* UTF-8 */

    good("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\""),
    good("\"\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
    good("\"\xef\xbb\xbf\xef\xbf\xbe\xef\xb7\x90\""),
    good("\"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd1\x96\xd1\x82\""),
    good("\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xf0\x9f\x98\x80\""),
    bad("\"\x80\"", BAD_UTF8, 1),
    bad("\"\xbf\"", BAD_UTF8, 1),
    bad("\"a\x80\"", BAD_UTF8, 2),
    bad("\"\xc0\x80\"", BAD_UTF8, 1),
    bad("\"\xc1\xbf\"", BAD_UTF8, 1),
    bad("\"\xc2\"", BAD_UTF8, 2),
    bad("\"\xc2\xc2\x80\"", BAD_UTF8, 2),
    bad("\"\xc3\xa9\xa9\"", BAD_UTF8, 3),
    bad("\"\xe0\x80\x80\"", BAD_UTF8, 2),
    bad("\"\xe0\x9f\xbf\"", BAD_UTF8, 2),
    bad("\"\xe2\x82\"", BAD_UTF8, 3),
    bad("\"\xe2\"", BAD_UTF8, 2),
    bad("\"\xe2\x82(\"", BAD_UTF8, 3),
    bad("\"\xed\xa0\x80\"", BAD_UTF8, 2),
    bad("\"\xed\xbf\xbf\"", BAD_UTF8, 2),
    bad("\"\xe2\x82\xac\xac\"", BAD_UTF8, 4),
    bad("\"\xf0\x80\x80\x80\"", BAD_UTF8, 2),
    bad("\"\xf0\x8f\xbf\xbf\"", BAD_UTF8, 2),
    bad("\"\xf0\x9f\x98\"", BAD_UTF8, 4),
    bad("\"\xf0\x9f\"", BAD_UTF8, 3),
    bad("\"\xf4\x90\x80\x80\"", BAD_UTF8, 2),
    bad("\"\xf5\x80\x80\x80\"", BAD_UTF8, 1),
    bad("\"\xf8\x88\x80\x80\x80\"", BAD_UTF8, 1),
    bad("\"\xfe\"", BAD_UTF8, 1),
    bad("\"\xff\"", BAD_UTF8, 1),
    bad("\"\xf0\x9f\x98\x80\x80\"", BAD_UTF8, 5),
    bad("\"\xc3", TRUNCATED, 2),
    bad("\"\xf0\x9f\x98", TRUNCATED, 4),
    bad("\"\xe9t\xe9\"", BAD_UTF8, 2),
    bad("\"\xc3\\n\"", BAD_UTF8, 2),
    bad("[\"a\",\"\xe2\x82\"]", BAD_UTF8, 8),
    bad("{\"model\":\"gpt\",\"x\":[{\"y\":\"\\ud83d\xf0\x9f\x98\x80\"}]}",
        BAD_SURROGATE, 32),

    /* what handlers ask for by name */

    good("{\"t\":\"\\u0041\\n\\ud83d\\ude00\",\"s\":{\"t\":[1,{\"r\":2}]},"
         "\"r\":[1, \"\\\"]\", {\"a\":null}],\"o\":[\"a\",[\"b\\t\"],\"c\"],"
         "\"r\":-1.5e3,\"s\":12,\"r\":true,\"r\":\"x\",\"s\":\"y\"}"),
    good("[\"\\u0416\",[\"\\u0416\",{\"t\\u0000\":\"x\"},\"\\t\"],\"q\"]"),
    good("{\"r\":\"a value that does not fit into the buffer, which has room "
         "for sixty-four bytes\",\"r\":[\"\xd0\x9f\xd1\x80\",[[]]]}")
};


/* the same for lenient readers, of what the strict ones refuse */

static const test_case_t  lenient_cases[] = {

    good("\xef\xbb\xbf{}"), good("\xef\xbb\xbf \n[]"), good("\xef\xbb\xbf" "1"),
    bad("\xef", EMPTY, 1),
    bad("\xef\xbb\xbf", EMPTY, 3),
    bad("\xef\xbb{}", BOM, 2),
    bad("\xef \xbb\xbf{}", BOM, 2),
    bad("\xef\xbb\xbf\xef\xbb\xbf{}", NO_VALUE, 3),
    bad(" \xef\xbb\xbf{}", NO_VALUE, 1),
    bad("\xfe\xff\0{", BOM, 0),

    good("NaN"), good("Infinity"), good("-Infinity"), good("[-Infinity]"),
    good("[NaN,Infinity,-Infinity]"), good("{\"a\":NaN}"),
    bad("-", TRUNCATED, 1),
    bad("-I", TRUNCATED, 2),
    bad("Na", TRUNCATED, 2),
    bad("-NaN", BAD_NUMBER, 1),
    bad("+Infinity", NO_VALUE, 0),
    bad("Infinite", BAD_LITERAL, 7),
    bad("[-Infinitx]", BAD_LITERAL, 9),
    bad("[-1I]", NO_COMMA, 3),
    bad("[nan]", BAD_LITERAL, 2),
    bad("[NaNa]", NO_COMMA, 4),
    bad("{NaN:1}", NO_NAME, 1),
    bad("[inf]", NO_VALUE, 1),

    good("\"\\ud83d\""), good("\"\\ude00\""), good("\"\\ud83d\\ud83d\""),
    good("\"\\ude00\\ud83d\""), good("\"\\ud83d\\ud83d\\ude00\""),
    good("\"\\ud83dx\""), good("\"\\ud83d\\\\\""), good("\"\\ud83d\\u0041\""),
    good("\"\\uDBFF\\uE000\""), good("{\"\\udc00\":\"\\udc00\"}"),
    good("\"\\ud83d\xc3\xa9\""), good("\"\\ud83d\xc3\""),
    bad("\"\\ud83d\\x\"", BAD_ESCAPE, 8),
    bad("\"\\ud83d\\u00g0\"", BAD_ESCAPE, 11),
    bad("\"\\ud83d\t\"", BAD_CONTROL, 7),
    bad("\"\\ud83d", TRUNCATED, 7),
    bad("\"\\ud83d\\u00", TRUNCATED, 11),

    good("\"\x80\""), good("\"\xff\""), good("\"\xc3\""), good("\"\xc3\xc3\""),
    good("\"\xe2\x82\""), good("\"\xe2\x82\xe2\x82\xac\""),
    good("\"\xed\xa0\x80\""), good("\"\xf0\x9f\x98\""), good("\"\xc0\x80\""),
    good("\"\xf4\x90\x80\x80\""), good("\"\xe0\x80\x80\""),
    good("\"\xc3\\n\""), good("\"\xf0\x9f\\\"\""), good("{\"\xff\":0}"),
    bad("\"\xc3\\x\"", BAD_ESCAPE, 3),
    bad("\"\xe2\x82\n\"", BAD_CONTROL, 3),
    bad("\"\xe2\x82", TRUNCATED, 3),
    bad("[\xff]", NO_VALUE, 1),
};


#endif /* _SCAN_CASES_H_INCLUDED_ */
