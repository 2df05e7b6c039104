import Foundation
import Testing

@Suite("sluice import-mosquitto and who is let in")
struct SecurityImportTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("acl", "topic read public/#\nuser alice\ntopic a/#\n")
        let made = try Program.sluice(["passwd", "-c", "-b", directory.path + "/passwords", "alice", "secret"])
        try #require(made.code == 0)
    }

    private var passwords: String { directory.path + "/passwords" }
    private var acl: String { directory.path + "/acl" }

    private func convert(_ text: String) throws -> Program.Result {
        let file = try directory.write("mosquitto.conf", text)
        return try Program.sluice(["import-mosquitto", file, "--secrets", directory.path])
    }

    /// The lines of the YAML, without the comment.
    private func lines(_ text: String) throws -> [String] {
        let result = try convert(text)
        #expect(result.code == 0, "\(text)\n\(result.errors)")
        let yaml = try directory.write("sluice.yaml", result.output)
        let check = try Program.sluice(["check", "--config", yaml])
        #expect(check.code == 0, "\(result.output)\n\(check.errors)")
        return result.output.split(separator: "\n").dropFirst().map(String.init)
    }

    @Test("what is said of all listeners stands on top, and what a listener says itself with it")
    func scopes() throws {
        #expect(
            try lines("listener 1883 127.0.0.1\npassword_file \(passwords)\nacl_file \(acl)\n") == [
                "allow_anonymous: false", "password_file: \"\(passwords)\"", "acl_file: \"\(acl)\"", "listeners:",
                "  mqtt: \"127.0.0.1:1883\"",
            ])
        #expect(
            try lines(
                """
                per_listener_settings true
                password_file nobodys
                allow_anonymous true
                listener 1883 127.0.0.1
                allow_anonymous true
                acl_file \(acl)
                listener 1884 127.0.0.1
                protocol websockets
                password_file \(passwords)

                """) == [
                    "listeners:", "  mqtt:", "    address: \"127.0.0.1:1883\"", "    allow_anonymous: true",
                    "    acl_file: \"\(acl)\"", "  ws:", "    address: \"127.0.0.1:1884\"",
                    "    allow_anonymous: false",
                    "    password_file: \"\(passwords)\"",
                ])
    }

    @Test(
        "the plugins of mosquitto 2.1 that are these files become the files",
        arguments: ["plugin", "global_plugin", "plugin_load"])
    func plugins(form: String) throws {
        func plugin(_ name: String, _ option: String) -> String {
            "\(form) \(form == "plugin_load" ? "my_\(name) " : "")/usr/lib/mosquitto_\(name).so\n"
                + "plugin_opt_\(option)\n"
        }
        let text =
            plugin("password_file", "password_file \(passwords)") + plugin("acl_file", "acl_file \(acl)")
            + "listener 1883 127.0.0.1\nlistener_allow_anonymous false\n"
            + (form == "plugin_load" ? "plugin_use my_password_file\nplugin_use my_acl_file\n" : "")
        let found = try lines(text)
        #expect(found.contains { $0.hasSuffix("password_file: \"\(passwords)\"") }, "\(found)")
        #expect(found.contains { $0.hasSuffix("acl_file: \"\(acl)\"") }, "\(found)")
        let unknown = try convert(
            "listener 1883\n\(form) x /usr/lib/mosquitto_dynamic_security.so\nplugin_opt_acl_file a\n")
        #expect(unknown.code == 1 && unknown.errors.contains("nothing is written"), "\(unknown.errors)")
        let empty = try convert("listener 1883\n\(form) mosquitto_acl_file.so\n")
        #expect(empty.code == 1 && empty.output.isEmpty)
    }

    @Test("names of certificates, and lists of revoked ones")
    func certificates() throws {
        let certificates = try Certificates()
        try certificates.revoke([], list: "revoked")
        let listener = """
            listener 8883 127.0.0.1
            certfile \(certificates.path("broker.pem"))
            keyfile \(certificates.path("broker.key"))
            cafile \(certificates.path("ca.pem"))
            require_certificate true
            crlfile \(certificates.path("revoked.crl"))

            """
        let identity = try lines(listener + "use_identity_as_username true\n")
        #expect(identity.contains("    certificate_user: cn"))
        #expect(identity.contains("      crl: \"\(certificates.path("revoked.crl"))\""))
        #expect(try lines(listener + "use_subject_as_username true\n").contains("    certificate_user: subject"))
    }

    @Test("a listener with a hint and keys becomes one whose clients are the identities of their keys")
    func keys() throws {
        _ = try directory.write("psk", "dev1:00ff\n")
        let listener = "psk_file \(directory.path)/psk\nlistener 8883 127.0.0.1\npsk_hint hint\n"
        #expect(
            try lines(listener + "use_identity_as_username true\n") == [
                "allow_anonymous: false", "listeners:", "  mqtts:", "    address: \"127.0.0.1:8883\"",
                "    psk_file: \"\(directory.path)/psk\"",
            ])
        let named = try convert(listener)
        #expect(
            named.code == 1 && named.output.isEmpty && named.errors.contains("needs 'use_identity_as_username true'"))
        let without = try convert("listener 8883\npsk_hint hint\n")
        #expect(without.code == 1 && without.output.isEmpty)
        // Without a hint keys are of no use to mosquitto.
        #expect(
            try lines("psk_file /nowhere\nlistener 1883 127.0.0.1\nallow_anonymous true\n").last
                == "  mqtt: \"127.0.0.1:1883\"")
    }

    @Test("a file that Sluice would refuse is named with its line, and the conversion says so")
    func refusedFiles() throws {
        _ = try directory.write("acl", "user a\ntopic raed b\n")
        _ = try directory.write("passwords", "alice:hunter2\n")
        let result = try convert("listener 1883 127.0.0.1\npassword_file \(passwords)\nacl_file \(acl)\n")
        #expect(result.code == 1 && result.output.contains("acl_file"))
        #expect(result.errors.contains("\(acl):2: expected 'read'"), "\(result.errors)")
        #expect(result.errors.contains("\(passwords):1: expected a hash") && !result.errors.contains("hunter2"))
        #expect(result.errors.hasSuffix("files that Sluice does not take: 2\n"))
        let missing = try convert("listener 1883 127.0.0.1\npassword_file /nowhere/passwords\n")
        #expect(missing.code == 0 && missing.errors.contains(":2: '/nowhere/passwords' cannot be read"))
    }
}
