import Foundation

/// The configurations in `config/`, with stand-ins for the files and the upstream that a reader has to put there.
struct ShippedExamples {
    let certificates: Certificates

    init() throws {
        certificates = try Certificates()
        for name in ["dashboard", "plant1"] { try certificates.make(name, host: "localhost") }
        let authority = try Data(contentsOf: URL(filePath: certificates.path("ca.pem")))
        for name in ["devices.pem", "cloud-ca.pem"] {
            try authority.write(to: URL(filePath: certificates.path(name)))
        }
    }

    /// The names of the files; `alerts.yaml` is Prometheus', and tried with it.
    static var names: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".yaml") && $0 != "alerts.yaml" }.sorted()
        }
    }

    private static var root: URL {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root
    }

    private static var folder: URL { root.appending(path: "config") }

    /// A document of the repository.
    static func document(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// A configuration's text with files that are there.
    func standIn(_ text: String) -> String {
        text.replacingOccurrences(of: "/etc/sluice/", with: certificates.directory.path + "/")
            .replacingOccurrences(of: "devices: ./devices", with: "devices: \(Self.root.path)/devices")
    }

    /// One of them as a test can use it.
    /// - Parameter upstream: where the bridge's upstream is.
    func text(_ name: String, upstream: String = "localhost:1") throws -> String {
        try standIn(String(contentsOf: Self.folder.appending(path: name), encoding: .utf8))
            .replacingOccurrences(of: "broker.example.com:8883", with: upstream)
    }
}
