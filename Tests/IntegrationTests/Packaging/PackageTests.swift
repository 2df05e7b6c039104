import Foundation
import Glibc
import Testing

@Suite("The package, the service and the image")
struct PackageTests {
    private static var packaging: String {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        return root.appending(path: "packaging").path
    }

    private static func script(_ name: String) throws -> String {
        try #require(Bundle.module.path(forResource: name, ofType: "py", inDirectory: "Scripts"))
    }

    // MARK: The service

    @Test(
        "whoever runs it as a service hears when it is ready, alive, reloading and stopping",
        .enabled(if: Program.isInstalled("python3"), "python3 is not installed"))
    func supervised() throws {
        let directory = try TemporaryDirectory()
        let result = try Program.run(
            [
                "python3", Self.script("supervise"), directory.path, Program.sluice, "serve", "--data",
                directory.path + "/data", "--mqtt", "127.0.0.1:0",
            ], within: 240)
        #expect(result.code == 0, "\(result)")
        let told = result.lines.filter { $0.hasSuffix("=1") }
        var steps: [String] = []
        for word in told where steps.last != word { steps.append(word) }
        // Between two signs of life it may be told to reload.
        #expect(steps.first == "READY=1" && steps.last == "STOPPING=1", "\(told)")
        #expect(told.count { $0 == "WATCHDOG=1" } >= 2, "\(told)")
        let reload = try #require(steps.firstIndex(of: "RELOADING=1"))
        #expect(steps[reload...].contains("READY=1"), "\(told)")
    }

    @Test(
        "systemd takes the unit",
        .enabled(if: Program.isInstalled("systemd-analyze"), "systemd-analyze is not installed"))
    func unit() throws {
        let directory = try TemporaryDirectory()
        let text = try String(contentsOfFile: Self.packaging + "/sluice.service", encoding: .utf8)
        // The executable is where it was built, and the page in no path of manual pages.
        let unit = try directory.write(
            "sluice.service",
            text.replacing("/usr/bin/sluice", with: Program.sluice).replacing("Documentation=man:sluice(1)\n", with: "")
        )
        let result = try Program.run(["systemd-analyze", "verify", "--man=no", unit])
        #expect(result.code == 0 && !result.errors.contains("sluice.service"), "\(result)")
    }

    // MARK: The package

    private static var canInstall: Bool {
        geteuid() == 0
            && ["dpkg", "dpkg-deb", "dpkg-shlibdeps", "useradd", "deb-systemd-helper", "strip"]
                .allSatisfy(Program.isInstalled)
    }

    /// A root that has nothing but dpkg's records.
    private struct CleanRoot {
        let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            for folder in ["info", "updates", "triggers"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory.path)/var/lib/dpkg/\(folder)", withIntermediateDirectories: true)
            }
            try FileManager.default.createDirectory(
                atPath: directory.path + "/etc", withIntermediateDirectories: true)
            for file in ["var/lib/dpkg/status", "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"] {
                _ = try directory.write(file, "")
            }
        }

        func dpkg(_ arguments: [String]) throws -> Program.Result {
            try Program.run(
                ["dpkg", "--root=\(directory.path)", "--force-script-chrootless", "--force-depends"] + arguments,
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        }

        func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: directory.path + path) }

        func text(_ path: String) throws -> String {
            try String(contentsOfFile: directory.path + path, encoding: .utf8)
        }
    }

    private func package(_ version: String, in directory: TemporaryDirectory) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let result = try Program.run(
            [Self.packaging + "/build-deb", Program.sluice, directory.path],
            environment: ["PATH": path, "VERSION": version, "COMPRESSION": "none"])
        #expect(result.code == 0, "\(result)")
        return result.output.trimmingCharacters(in: .newlines)
    }

    @Test(
        "it installs, keeps what the operator has changed through an upgrade, and leaves the log when it is purged",
        .enabled(if: Self.canInstall, "this takes root's rights, and dpkg with its tools"))
    func lifecycle() throws {
        let root = try CleanRoot()
        let packages = try TemporaryDirectory()
        let (first, second) = (try package("0.1.0-1", in: packages), try package("0.1.0-2", in: packages))
        let installed = try root.dpkg(["-i", first])
        #expect(installed.code == 0, "\(installed)")
        let user = try #require(
            root.text("/etc/passwd").split(separator: ":").dropFirst(2).first.flatMap { UInt32($0) })
        for path in ["/var/lib/sluice", "/var/log/sluice"] {
            var found = stat()
            #expect(stat(root.directory.path + path, &found) == 0 && found.st_uid == user, "\(path)")
            #expect(found.st_mode & 0o7777 == 0o750, "\(path)")
        }
        #expect(root.has("/usr/share/man/man1/sluice.1.gz") && root.has("/lib/systemd/system/sluice.service"))
        let wanted = root.directory.path + "/etc/systemd/system/multi-user.target.wants/sluice.service"
        var link = stat()
        #expect(lstat(wanted, &link) == 0, "the service is enabled")
        // What is installed runs, and takes the configuration that is installed with it.
        let checked = try Program.run([
            root.directory.path + "/usr/bin/sluice", "check", "--config",
            root.directory.path + "/etc/sluice/sluice.yaml",
        ])
        #expect(checked.code == 0 && checked.output.contains("/var/lib/sluice"), "\(checked)")
        _ = try root.directory.write("var/lib/sluice/kept", "data")
        let configuration = try root.text("/etc/sluice/sluice.yaml") + "# mine\n"
        _ = try root.directory.write("etc/sluice/sluice.yaml", configuration)
        let upgraded = try root.dpkg(["-i", second])
        #expect(upgraded.code == 0, "\(upgraded)")
        #expect(try root.text("/var/lib/dpkg/status").contains("Version: 0.1.0-2"))
        #expect(try root.text("/etc/sluice/sluice.yaml") == configuration)
        #expect(try root.dpkg(["-r", "sluice"]).code == 0)
        #expect(!root.has("/usr/bin/sluice") && root.has("/etc/sluice/sluice.yaml") && root.has("/var/lib/sluice/kept"))
        let purged = try root.dpkg(["--purge", "sluice"])
        #expect(purged.code == 0 && purged.errors.contains("the log stays in /var/lib/sluice"), "\(purged)")
        #expect(!root.has("/etc/sluice") && root.has("/var/lib/sluice/kept"))
        #expect(try root.text("/etc/passwd").hasPrefix("sluice:"))
    }

    @Test(
        "lintian finds nothing but what a build for a test lacks",
        .enabled(if: Self.canInstall && Program.isInstalled("lintian"), "lintian is not installed"))
    func lint() throws {
        let packages = try TemporaryDirectory()
        let result = try Program.run(
            [
                "lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags",
                // Nobody's address, a test's executable with the toolchain's libraries, and no time for compression.
                "bogus-mail-host,bogus-mail-host-in-debian-changelog,custom-library-search-path,"
                    + "uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball",
                try package("0.1.0-1", in: packages),
            ], within: 240)
        #expect(result.code == 0, "\(result)")
    }

    // MARK: The image

    @Test("the image's configuration is taken, with what the compose file says besides")
    func imageConfiguration() throws {
        let file = Self.packaging + "/docker/sluice.yaml"
        for environment in [[:], ["SLUICE_ALLOW_ANONYMOUS": "true"]] {
            let result = try Program.sluice(["check", "--config", file], environment: environment)
            #expect(result.code == 0, "\(environment) \(result)")
        }
        let compose = try String(contentsOfFile: Self.packaging + "/docker/compose.yaml", encoding: .utf8)
        #expect(compose.contains("SLUICE_ALLOW_ANONYMOUS: \"true\""))
    }

    @Test("the health check of the image passes where a broker answers, a refusal too, and nowhere else")
    func health() throws {
        let health = Self.packaging + "/docker/health"
        let open = try BrokerProcess()
        #expect(try Program.run([health, "127.0.0.1", String(open.port)]).code == 0)
        let closed = try BrokerProcess(BrokerProcess.plain + "allow_anonymous: false\n")
        #expect(try Program.run([health, "127.0.0.1", String(closed.port)]).code == 0)
        #expect(closed.stop() == 0)
        #expect(try Program.run([health, "127.0.0.1", String(closed.port)]).code != 0)
    }
}
