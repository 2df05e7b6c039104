import Foundation

/// Certificates that OpenSSL's command line makes into a test's directory: an authority, a broker that it vouches for
/// as `localhost`, and clients.
final class Certificates {
    let directory: TemporaryDirectory

    struct Failure: Error { let text: String }

    init() throws {
        directory = try TemporaryDirectory()
        try makeAuthority("ca")
        try make("broker", host: "localhost")
    }

    /// The path of a file here.
    func path(_ name: String) -> String { directory.path + "/" + name }

    private func openssl(_ arguments: String) throws {
        let result = try Program.run(["sh", "-c", "cd \(directory.path) && openssl \(arguments)"])
        guard result.code == 0 else { throw Failure(text: result.errors) }
    }

    private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

    /// An authority, `NAME.pem` and `NAME.key`.
    func makeAuthority(_ name: String) throws {
        try openssl("req -x509 \(Self.newKey) -days 30 -subj '/CN=\(name)' -keyout \(name).key -out \(name).pem")
    }

    /// A certificate, `NAME.pem` and `NAME.key`, from an authority; with a negative number of days it has ended.
    func make(_ name: String, host: String? = nil, authority: String = "ca", days: Int = 30) throws {
        try openssl("req \(Self.newKey) -subj '/CN=\(name)' -keyout \(name).key -out \(name).csr")
        var extensions = ""
        if let host {
            _ = try directory.write("\(name).ext", "subjectAltName=DNS:\(host)\n")
            extensions = "-extfile \(name).ext"
        }
        try openssl(
            "x509 -req -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial -days \(days)"
                + " \(extensions) -out \(name).pem")
    }

    /// A list `NAME.crl` of what the authority `ca` has revoked so far, and of `names`.
    func revoke(_ names: [String], list: String) throws {
        if !FileManager.default.fileExists(atPath: path("index")) {
            _ = try directory.write("index", "")
            _ = try directory.write(
                "ca.conf",
                "[ca]\ndefault_ca = own\n[own]\ndatabase = \(path("index"))\ncertificate = \(path("ca.pem"))\n"
                    + "private_key = \(path("ca.key"))\ndefault_md = sha256\ndefault_crl_days = 2\n")
        }
        for name in names { try openssl("ca -config ca.conf -revoke \(name).pem") }
        try openssl("ca -config ca.conf -gencrl -out \(list).crl")
    }

    /// The fingerprint of a certificate.
    func fingerprint(_ name: String) throws -> String {
        let result = try Program.run(["openssl", "x509", "-in", path(name + ".pem"), "-noout", "-fingerprint"])
        guard result.code == 0 else { throw Failure(text: result.errors) }
        return result.output
    }

    /// Puts another certificate and key in the place of `broker`'s.
    func install(_ name: String) throws {
        for suffix in [".pem", ".key"] {
            let bytes = try Data(contentsOf: URL(filePath: path(name + suffix)))
            try bytes.write(to: URL(filePath: path("broker" + suffix)), options: .atomic)
        }
    }

    /// A configuration with every kind of listener, each on a port of the system's choice.
    /// - Parameter tls: more lines of the section `tls`.
    func configuration(_ tls: [String] = [], more: String = "") -> String {
        var lines = [
            "listeners:", "  mqtts: 127.0.0.1:0", "  ws: 127.0.0.1:0", "  wss: 127.0.0.1:0", "  tls:",
            "    certificate: \(path("broker.pem"))", "    key: \(path("broker.key"))",
        ]
        lines += tls.map { "    " + $0 }
        return lines.joined(separator: "\n") + "\n" + BrokerProcess.plain + more
    }
}
