import Foundation

/// Certificates and keys that OpenSSL's command line makes, for one test.
final class TestCertificates {
    let path: String

    struct Failure: Error { let text: String }

    init() throws {
        path = NSTemporaryDirectory() + "sluice-certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { return }
    }

    /// Runs `openssl` in the directory.
    func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(filePath: path)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: "openssl \(arguments)") }
    }

    /// A certificate that signs itself, in `NAME.pem`, with its key in `NAME.key`.
    func make(_ name: String) throws {
        try openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /O=plant/CN=\(name)"
                + " -keyout \(name).key -out \(name).pem")
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path + "/" + name))) }
}
