import AccessControl
import Glibc
import SluiceConfiguration

/// `sluice import-mosquitto`.
enum ImportCommand {
    static let command = Command(
        name: "import-mosquitto", operands: ["FILE"], summary: "Convert a mosquitto.conf",
        notes: """
            The configuration goes to standard output, what it lacks to standard error, with line numbers. Listeners,
            persistence, limits and connections (bridges) are converted; password and ACL files are named as they are,
            and read to see whether Sluice takes them. A file that keeps people out in ways that are not converted is
            refused: nothing is written, status 1. With --force it is, with listeners on loopback only. Passwords and
            keys of bridges go to files that only their owner reads. Status 1 also tells that a listener or a
            connection is left out, or that a file is not taken.
            """,
        example: "sluice import-mosquitto /etc/mosquitto/mosquitto.conf > sluice.yaml",
        options: [
            CommandOption("force", "write it on loopback, though what kept people out is not in it"),
            CommandOption(
                "secrets", value: "DIR", "where passwords and keys go; the working directory unless given"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let path = arguments.operands[0]
        let file = try MosquittoFile(contents(of: path), path: path, included: included)
        let directory = try absolutePath(arguments.text("secrets") ?? ".")
        var conversion = MosquittoImport(file, secretsDirectory: directory, isLocal: arguments.has("force"))
        let text = conversion.run()
        for note in text.notes.sorted(by: { ($0.option.file, $0.option.line) < ($1.option.file, $1.option.line) }) {
            complain("\(note.option.file):\(note.option.line): \(note.text)")
        }
        for remark in text.remarks { complain("\(path): \(remark)") }
        guard text.protections.isEmpty || arguments.has("force") else {
            throw CommandFailure(
                "nothing is written: who reaches the broker would be let in, for want of "
                    + "\(text.protections.joined(separator: ", ")); --force writes it with listeners on loopback only")
        }
        let yaml = text.lines.joined(separator: "\n") + "\n"
        // Nobody is to find out with `serve` what can be known here.
        _ = try Configuration.read(Array(yaml.utf8), file: "(converted)")
        for secret in text.secrets { try write(secret, to: directory) }
        print(yaml, terminator: "")
        fflush(nil)
        let refusedCount = refusedFiles(text)
        guard refusedCount == 0 else {
            Sluice.complain("files that Sluice does not take: \(refusedCount)")
            return ExitCode.failure
        }
        guard text.leftOutCount == 0 else {
            Sluice.complain("listeners and connections that are left out: \(text.leftOutCount)")
            return ExitCode.failure
        }
        return ExitCode.success
    }

    /// Says what is wrong with the files of users and rules.
    /// - Returns: how many Sluice refuses. One that is not there, or not for us to read, may be there for the broker.
    private static func refusedFiles(_ text: ImportedText) -> Int {
        var seen: Set<String> = []
        return text.files.count { file in
            guard seen.insert(file.path).inserted else { return false }
            let bytes: [UInt8]
            do throws(FileText.Failure) { bytes = try FileText.read(file.path, byteCountMax: 64 << 20) } catch {
                complain("\(file.option.file):\(file.option.line): '\(file.path)' \(error.description)")
                return false
            }
            do throws(SecurityFileError) {
                switch file.kind {
                case .passwords: _ = try PasswordFile.parse(bytes, file: file.path)
                case .rules: _ = try AccessRules.mosquitto(bytes, file: file.path)
                case .keys: _ = try SharedKeyFile.parse(bytes, file: file.path)
                }
                return false
            } catch {
                complain(error.description)
                return true
            }
        }
    }

    private static func contents(of path: String) throws(CommandFailure) -> String {
        let bytes: [UInt8]
        do throws(FileText.Failure) { bytes = try FileText.read(path, byteCountMax: 4 << 20) } catch {
            throw CommandFailure("'\(path)' \(error.description)")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw CommandFailure("'\(path)' is no text in UTF-8")
        }
        return text
    }

    /// The files of a directory that mosquitto would read, in its order.
    private static func included(_ path: String) throws(CommandFailure) -> [MosquittoFile.Input] {
        guard let directory = opendir(path) else {
            throw CommandFailure("include_dir '\(path)' cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".conf") { names.append(name) }
        }
        var inputs: [MosquittoFile.Input] = []
        for name in names.sorted() {
            let file = path + "/" + name
            inputs.append(MosquittoFile.Input(path: file, text: try contents(of: file)))
        }
        return inputs
    }

    private static func absolutePath(_ path: String) throws(CommandFailure) -> String {
        guard let resolved = realpath(path, nil) else {
            throw CommandFailure("'\(path)' is not there: \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Writes a file that only its owner reads. One that is there already stays when it holds the same, since a
    /// configuration may have been converted before.
    private static func write(_ secret: ImportedText.Secret, to directory: String) throws(CommandFailure) {
        let path = directory + "/" + secret.name
        let bytes = Array((secret.text + "\n").utf8)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let reason = errno
            do throws(FileText.Failure) {
                if reason == EEXIST, try FileText.read(path, byteCountMax: 4 << 20) == bytes,
                    chmod(path, 0o600) == 0
                {
                    return
                }
            } catch {
                throw CommandFailure("'\(path)' is there already and \(error.description)")
            }
            let text =
                reason == EEXIST ? "is there already, and holds something else" : String(cString: strerror(reason))
            throw CommandFailure("'\(path)' cannot be written: \(text)")
        }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw CommandFailure("'\(path)' cannot be written: \(String(cString: strerror(errno)))")
            }
            written += count
        }
    }

    private static func complain(_ line: String) {
        FileBytes.write(Array("\(line)\n".utf8), to: STDERR_FILENO)
    }
}
