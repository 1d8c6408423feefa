"""TLS to the API: verified as it comes, and what comet_ssl_* changes."""

import base64
import json
import os
import socket
import ssl
import subprocess
import threading

import pytest

from conftest import KEY, edge_conf
from cometapi import Mock
from wire import STREAM, CHAT, Client, chat, plan


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True,
                   capture_output=True)


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A CA, an intermediate one, and leaves for api.test and a client, with
    all that a strict reader of X.509 asks for."""
    d = tmp_path_factory.mktemp("pki")
    known = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    (d / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\n"
                              "keyUsage=critical,keyCertSign,cRLSign\n" + known)
    (d / "api.ext").write_text("subjectAltName=DNS:api.test\n" + known)

    def issue(name, ext, issuer):
        openssl(d, "req", "-newkey", "rsa:2048", "-nodes", "-keyout",
                name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        signer = (["-signkey", name + ".key"] if issuer is None else
                  ["-CA", issuer + ".pem", "-CAkey", issuer + ".key",
                   "-CAcreateserial"])
        openssl(d, "x509", "-req", "-in", name + ".csr", "-days", "2",
                "-extfile", ext, "-out", name + ".pem", *signer)

    issue("root", "ca.ext", None)
    issue("middle", "ca.ext", "root")
    issue("api", "api.ext", "middle")
    issue("client", "api.ext", "root")
    issue("guest", "api.ext", "root")
    (d / "chain.pem").write_text((d / "api.pem").read_text()
                                 + (d / "middle.pem").read_text())
    return d


def server_context(pki, client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "chain.pem", pki / "api.key")
    if client:
        context.load_verify_locations(pki / "root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def tls_mock(pki):
    context = server_context(pki)
    context.asked = []
    context.sni_callback = lambda sock, name, ctx: context.asked.append(name)
    server = Mock(tls=context).start()
    yield server
    server.stop()


def conf(mock, text, host="api.test"):
    return """
    upstream %s { server 127.0.0.1:%d; keepalive 2; }
    """ % (host, mock.port) + edge_conf(mock, text).replace(
        "http://127.0.0.1:%d" % mock.port, "https://" + host)


def trusting(pki):
    return "comet_ssl_trusted_certificate %s;" % (pki / "root.pem")


def test_a_trusted_api(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, trusting(pki)))
    for _ in range(3):
        assert chat(edge, STREAM).complete
    assert tls_mock.tls.asked == ["api.test"]
    assert tls_mock.last().header("host") == "api.test"
    assert tls_mock.connections == 1


def long_chat(size, **more):
    return json.dumps(dict(more, model="gpt-4o", messages=[
        {"role": "user", "content": "x" * size}], top_p=0.5)).encode()


@pytest.mark.parametrize("how", [
    "",
    "comet_invalid repair;",
    "client_body_buffer_size 8k;",
    "comet_invalid repair; client_body_buffer_size 8k;",
])
def test_no_end_of_a_body_waits_in_the_buffer_of_tls(nginx, tls_mock, pki,
                                                     how):
    """On a kept connection nothing else comes that would send it."""
    edge = nginx(conf(tls_mock, trusting(pki) + how))
    more = {"temperature": 3} if "repair" in how else {}
    for size in (100, 20000, 40000, 200000):
        assert chat(edge, long_chat(size, **more)).status == 200
        sent = json.loads(tls_mock.last().body)
        assert len(sent["messages"][0]["content"]) == size
    assert tls_mock.connections == 1


def refused(answer, mock, edge, said):
    assert answer.status == 502
    assert answer.json()["error"]["code"] == "upstream_unavailable"
    assert not mock.requests
    assert said in edge.log()
    assert KEY not in edge.log()


def test_the_systems_authorities_do_not_know_it(nginx, tls_mock):
    edge = nginx(conf(tls_mock, ""))
    refused(chat(edge), tls_mock, edge, "certificate verify error")


def test_the_systems_authorities_are_the_default(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, ""), run=False)
    edge.start(env=dict(os.environ, SSL_CERT_FILE=str(pki / "root.pem")))
    assert chat(edge).status == 200


def test_the_name_must_match(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, trusting(pki), host="other.test"))
    refused(chat(edge), tls_mock, edge, "does not match")
    assert tls_mock.tls.asked == ["other.test"]


@pytest.mark.parametrize("text", ["comet_host api.test;",
                                  "comet_ssl_name api.test;"])
def test_the_name_can_be_given(nginx, tls_mock, pki, text):
    edge = nginx(conf(tls_mock, trusting(pki) + text, host="backend"))
    assert chat(edge).status == 200
    assert tls_mock.tls.asked == ["api.test"]


def test_verification_can_be_switched_off(nginx, tls_mock):
    edge = nginx(conf(tls_mock, "comet_ssl_verify off;", host="backend"))
    assert chat(edge).status == 200


def test_sni_can_be_switched_off(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, trusting(pki)
                      + "comet_ssl_server_name off;"))
    assert chat(edge).status == 200
    assert tls_mock.tls.asked == [None]


def test_the_depth_of_the_chain(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, trusting(pki) + "comet_ssl_verify_depth 0;"))
    refused(chat(edge), tls_mock, edge, "certificate verify error")


def test_a_variable_url_is_verified_too(nginx, tls_mock, pki):
    edge = nginx(conf(tls_mock, trusting(pki)).replace(
        "https://api.test", "https://$http_x_host"))
    assert chat(edge, headers={"X-Host": "api.test"}).status == 200
    assert tls_mock.tls.asked == ["api.test"]


def test_a_client_certificate(nginx, pki):
    server = Mock(tls=server_context(pki, client=True)).start()
    text = trusting(pki) + "comet_ssl_certificate %s; " \
        "comet_ssl_certificate_key %s;" % (pki / "client.pem",
                                           pki / "client.key")
    try:
        edge = nginx(conf(server, text))
        assert chat(edge).status == 200
        without = nginx(conf(server, trusting(pki)))
        assert chat(without).status == 502
    finally:
        server.stop()


def test_sessions_are_reused(nginx, tls_mock, pki):
    for text, reused in [("", True), ("comet_ssl_session_reuse off;", False)]:
        before = tls_mock.tls.session_stats()["hits"]
        edge = nginx(conf(tls_mock, trusting(pki) + text))
        for _ in range(3):
            assert chat(edge, headers=plan(close=True)).status == 200
        hits = tls_mock.tls.session_stats()["hits"] - before
        assert (hits > 0) == reused


class Breaker(threading.Thread):
    """Answers without a length over TLS, and ends it with or without
    close_notify."""

    def __init__(self, pki, notify):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = server_context(pki)
        self.notify = notify
        self.start()

    def run(self):
        while True:
            plain, _ = self.listener.accept()
            tls = self.context.wrap_socket(plain, server_side=True)
            tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
                        b"all of it")
            if self.notify:
                try:
                    tls.unwrap()
                except (OSError, ssl.SSLError):
                    pass
            os.close(tls.detach())


@pytest.mark.parametrize("notify", [True, False])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_without_close_notify_the_end_is_a_cut(nginx, pki, notify, version):
    server = Breaker(pki, notify)
    edge = nginx(conf(server, trusting(pki)))
    for _ in range(3):
        answer = chat(edge, version=version)
        assert answer.status == 200 and answer.complete == notify
        if notify:
            assert answer.body == b"all of it"


def test_a_tls_client_sees_a_cut_too(nginx, mock, pki):
    edge = nginx(edge_conf(mock, server="""
        ssl_certificate %s; ssl_certificate_key %s;""" % (
            pki / "chain.pem", pki / "api.key")).replace(
                "listen PORT;", "listen PORT ssl;"))
    context = ssl.create_default_context(cafile=str(pki / "root.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for version in ("1.1", "1.0"):
        for wishes in ({"cut": 900}, {}):
            with Client(edge) as client:
                client.socket = context.wrap_socket(
                    client.socket, server_hostname="api.test",
                    suppress_ragged_eofs=False)
                try:
                    answer = client.call("POST", "/v1/chat/completions",
                                         STREAM, plan(**wishes),
                                         version=version)
                    complete = answer.complete
                except (ssl.SSLEOFError, ConnectionResetError):
                    complete = False
            assert complete == (not wishes), (version, wishes)
