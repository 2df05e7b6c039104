import Foundation
import Testing

/// Who may do what over HTTP: the same users and rules as everywhere.
@Suite("HTTP: users and rights")
struct HTTPAccessTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.writeUsers()
    }

    private func broker() throws -> BrokerProcess {
        try BrokerProcess(
            BrokerProcess.withHTTP
                + "password_file: \(directory.path)/passwords\nacl_file: \(directory.path)/acl\n")
    }

    private static func basic(_ user: String, _ password: String) -> [String] {
        ["Authorization: Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"]
    }

    @Test("who is not known gets nothing but health; a wrong password is told how to ask")
    func unknown() throws {
        let broker = try broker()
        #expect(try broker.ask("GET", "/healthz").status == 200)
        #expect(try broker.ask("GET", "/v1/openapi.json").status == 200)
        for target in [
            "/v1/streams", "/metrics", "/v1/streams/sensors/records", "/v1/streams/sensors/tail", "/v1/overview",
        ] {
            let nobody = try broker.ask("GET", target)
            #expect(nobody.status == 401, "\(target)")
            #expect(nobody.fields["www-authenticate"]?.hasPrefix("Basic realm=") == true)
            #expect(try broker.ask("GET", target, fields: Self.basic("alice", "wrong")).status == 401)
        }
        #expect(try broker.ask("GET", "/v1/streams", fields: ["Authorization: Digest x"]).status == 400)
        #expect(try broker.ask("GET", "/v1/streams", fields: ["Authorization: Basic !"]).status == 400)
    }

    @Test("rules decide what is published, read and administered")
    func rules() throws {
        let broker = try broker()
        let (alice, admin) = (Self.basic("alice", "wonder"), Self.basic("admin", "root"))
        #expect(try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: "1", fields: alice).status == 204)
        #expect(try broker.ask("POST", "/v1/publish/sensors/b/d/t", body: "1", fields: alice).status == 403)
        #expect(try broker.ask("POST", "/v1/publish/sensors/b/d/t", body: "2", fields: admin).status == 204)
        // Of a stream everybody reads what the topics allow.
        #expect(try broker.ask("GET", "/v1/streams/sensors/records", fields: alice).records.count == 1)
        #expect(try broker.ask("GET", "/v1/streams/sensors/records", fields: admin).records.count == 2)
        #expect(
            try broker.ask("POST", "/v1/streams/sensors/records", body: "{\"payload\": 1}", fields: alice).status == 403
        )
        #expect(
            try broker.ask("POST", "/v1/streams/sensors/records", body: "{\"payload\": 1}", fields: admin).status == 201
        )
        for (method, target) in [
            ("GET", "/v1/streams"), ("PUT", "/v1/streams/new"), ("DELETE", "/v1/streams/other"),
            ("GET", "/v1/sessions"),
            ("GET", "/metrics"), ("GET", "/v1/configuration"), ("GET", "/v1/explain?topic=a"),
            ("GET", "/v1/overview"), ("GET", "/v1/events"),
        ] {
            #expect(try broker.ask(method, target, fields: alice).status == 403, "\(method) \(target)")
        }
        #expect(try broker.ask("GET", "/v1/streams", fields: admin).status == 200)
        #expect(try broker.ask("GET", "/metrics", fields: admin).status == 200)
        #expect(try broker.ask("GET", "/v1/overview", fields: admin).status == 200)
        #expect(try broker.ask("POST", "/grafana/metrics", body: "{}", fields: alice).text == "[]\n")
        #expect(try broker.ask("POST", "/grafana/metrics", body: "{}", fields: admin).text.contains("sensors"))
    }

    @Test("one connection may ask in one name after another")
    func names() throws {
        let broker = try broker()
        let client = try HTTPClient(port: broker.http)
        for (user, password, status) in [
            ("alice", "wonder", 403), ("admin", "root", 200), ("alice", "wrong", 401), ("alice", "wonder", 403),
        ] {
            try client.send("GET", "/v1/streams", fields: Self.basic(user, password))
            #expect(try client.answer().status == status, "\(user)")
        }
    }

    @Test("a user that is taken away loses its tail")
    func revoked() throws {
        let broker = try broker()
        let client = try HTTPClient(port: broker.http)
        try client.send("GET", "/v1/streams/sensors/tail", fields: Self.basic("alice", "wonder"))
        #expect(try client.head().status == 200)
        #expect(try Program.sluice(["passwd", "-D", "\(directory.path)/passwords", "alice"]).code == 0)
        kill(broker.pid, SIGHUP)
        #expect(client.isClosed())
    }

    @Test("a page of another origin may not act in its reader's name")
    func strangers() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let port = broker.http
        for fields in [
            ["Origin: http://evil.example"], ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
            ["Origin: null"], ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"],
        ] {
            #expect(try broker.ask("POST", "/v1/publish/a", body: "1", fields: fields).status == 403, "\(fields)")
            #expect(try broker.ask("GET", "/v1/streams", fields: fields).status == 403, "\(fields)")
        }
        let own = ["Origin: http://127.0.0.1", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"]
        #expect(try HTTPClient.ask(port, "POST", "/v1/publish/a", body: "1", fields: own).status == 204)
    }

    @Test("a name that a page lets mean this machine is not answered; addresses, localhost and given names are")
    func rebinding() throws {
        let named = BrokerProcess.withHTTP.replacingOccurrences(
            of: "http: 127.0.0.1:0", with: "http: { address: \"127.0.0.1:0\", names: [sluice.example] }")
        let broker = try BrokerProcess(named)
        func ask(_ host: String, _ request: String, fields: [String] = [], body: String = "") throws -> HTTPAnswer {
            let client = try HTTPClient(port: broker.http)
            let lines = ["\(request) HTTP/1.1", "Host: \(host)", "Content-Length: \(body.utf8.count)"] + fields
            try client.send(raw: Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8))
            return try client.answer()
        }
        for request in ["GET /", "GET /metrics", "GET /healthz", "POST /v1/publish/a", "POST /mcp", "GET /v1/events"] {
            // The browser of the page's reader takes it for one place with the page.
            let own = ["Origin: http://evil.example:\(broker.http)", "Sec-Fetch-Site: same-origin"]
            let answer = try ask("evil.example:\(broker.http)", request, fields: own)
            #expect(answer.status == 421, "\(request)")
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(try answer.detail.contains("'sluice.example'"), "\(answer.text)")
        }
        for host in ["127.0.0.1:\(broker.http)", "localhost", "[::1]", "sluice.example:80"] {
            #expect(try ask(host, "GET /").status == 200, "\(host)")
            #expect(try ask(host, "POST /v1/publish/a", body: "1").status == 204, "\(host)")
            let own = try ask(host, "POST /v1/publish/a", fields: ["Origin: http://\(host)"], body: "1")
            #expect(own.status == 204, "\(host)")
            for request in ["POST /mcp", "PUT /v1/streams/new", "DELETE /v1/streams/other"] {
                let strange = try ask(host, request, fields: ["Origin: http://evil.example"], body: "{}")
                #expect(strange.status == 403, "\(host) \(request)")
            }
        }
    }

    @Test(
        "over TLS the listener proves itself, and a client's certificate says who it is",
        .enabled(if: Program.isInstalled("curl"), "curl is not installed"))
    func secure() throws {
        let certificates = try Certificates()
        try certificates.make("dev42")
        let broker = try BrokerProcess(
            """
            \(BrokerProcess.plain)listeners:
              mqtt: 127.0.0.1:0
              https: { address: "127.0.0.1:0", certificate_user: cn }
              tls:
                certificate: \(certificates.path("broker.pem"))
                key: \(certificates.path("broker.key"))
                client_ca: \(certificates.path("ca.pem"))

            """)
        let port = try broker.port("https")
        func ask(_ more: [String]) throws -> Program.Result {
            try Program.run(
                ["curl", "-sS", "--max-time", "120", "--cacert", certificates.path("ca.pem")] + more
                    + ["https://localhost:\(port)/v1/sessions"])
        }
        let own = ["--cert", certificates.path("dev42.pem"), "--key", certificates.path("dev42.key")]
        let known = try ask(own)
        #expect(known.code == 0 && known.output.contains("\"client_id\":\"http-"), "\(known)")
        #expect(try ask([]).code != 0, "a client without a certificate is refused by the handshake")
        let plain = try HTTPClient(port: port)
        try plain.send("GET", "/healthz")
        #expect(plain.isClosed(), "who speaks no TLS is hung up on")
    }
}
