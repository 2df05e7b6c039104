import AccessControl
import Glibc
import SluiceNode

/// `sluice passwd`.
enum PasswordCommand {
    static let command = Command(
        name: "passwd", operands: ["FILE"], optionalOperands: ["USER", "PASSWORD"],
        summary: "Change a password file, as mosquitto_passwd does",
        notes: """
            The password is asked for twice, or read from standard input when that is no terminal. With -b it is the
            last argument, where other users of the machine may see it. A changed file takes the place of the old one
            in one step, and keeps its owner and mode; a new one is readable by its owner alone. Lines for SCRAM, which
            a user has already or --scram asks for, are made of the same password.
            """,
        example: "sluice passwd -c -b /tmp/passwords alice secret",
        options: [
            CommandOption("create", letter: "c", "begin a new file, in place of one that is there"),
            CommandOption("delete", letter: "D", "delete the user"),
            CommandOption("batch", letter: "b", "the password is the last argument"),
            CommandOption("upgrade", letter: "U", "hash the passwords of a file in plain text"),
            CommandOption(
                "hash", letter: "H", value: "KIND",
                "sha512-pbkdf2 unless given; argon2id, which mosquitto 2.0 does not know; sha512, which is weak"),
            CommandOption(
                "iterations", letter: "I", value: "COUNT",
                "of PBKDF2; \(PasswordHash.iterationsUsual) unless given, and 4096 at least for SCRAM"),
            CommandOption("scram", "lines for SCRAM-SHA-256 and SCRAM-SHA-512 too"),
        ], run: run)

    private static let fileBytesMax = 64 << 20

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let task = try Order(arguments)
        let path = try resolved(arguments.operands[0])
        let old = task.isNew ? [] : try FileBytes.contents(of: path, byteCountMax: fileBytesMax)
        switch task.change {
        case .upgrade:
            let text = try PasswordFileEditing.hashPasswords(in: old, file: path) { password in
                try task.hash(task.kind, password)
            }
            try ReplacedFile.write(text, to: path)
        case .delete(let user):
            guard let text = PasswordFileEditing.remove(user, from: old) else {
                throw CommandFailure("the user '\(String(decoding: user, as: UTF8.self))' is not in \(path)")
            }
            try ReplacedFile.write(text, to: path)
        case .set(let user, let given):
            let password = try given ?? PasswordPrompt.ask()
            var kinds = [task.kind]
            kinds += PasswordFileEditing.scramKinds(of: user, in: old)
            if task.makesScram { kinds += ScramMechanism.allCases.map { .scram($0) } }
            var unique: [PasswordHash.Kind] = []
            for kind in kinds where !unique.contains(kind) { unique.append(kind) }
            let hashes = try unique.map { try task.hash($0, password) }
            let text = PasswordFileEditing.set(user, hashes, in: old)
            try ReplacedFile.write(text, to: path)
            let isKnown = PasswordFileEditing.has(user, in: old)
            print("\(isKnown ? "Updating" : "Adding") password for user \(String(decoding: user, as: UTF8.self))")
        }
        return ExitCode.success
    }

    /// What the command line asks for.
    private struct Order {
        enum Change {
            case upgrade
            case delete(user: [UInt8])
            case set(user: [UInt8], password: [UInt8]?)
        }

        let change: Change
        let kind: PasswordHash.Kind
        let isNew: Bool
        let makesScram: Bool
        private let iterations: Int?

        init(_ arguments: Arguments) throws(UsageError) {
            isNew = arguments.has("create")
            makesScram = arguments.has("scram")
            kind =
                try arguments.value("hash", expected: "sha512-pbkdf2, argon2id or sha512", Self.kind(_:)) ?? .pbkdf2
            iterations = try arguments.integer("iterations", 1...PasswordHash.iterationsMax)
            change = try Self.change(arguments)
        }

        private static func kind(_ word: String) -> PasswordHash.Kind? {
            switch word {
            case "sha512-pbkdf2": .pbkdf2
            case "argon2id": .argon2id
            case "sha512": .sha512
            default: nil
            }
        }

        private static func change(_ arguments: Arguments) throws(UsageError) -> Change {
            let (operands, isBatch) = (arguments.operands, arguments.has("batch"))
            for (one, other) in [
                ("create", "delete"), ("create", "upgrade"), ("delete", "upgrade"), ("delete", "batch"),
                ("upgrade", "batch"),
            ] where arguments.has(one) && arguments.has(other) {
                throw arguments.error("--\(one) and --\(other) cannot be used together")
            }
            let wanted = arguments.has("upgrade") ? 1 : isBatch ? 3 : 2
            if operands.count < wanted {
                throw arguments.error("\(["USER", "PASSWORD"][operands.count - 1]) is missing")
            }
            if operands.count > wanted {
                // What is too many may be a password: it is not repeated.
                throw arguments.error(
                    wanted == 1 ? "-U takes a file alone" : "a password as an argument needs -b")
            }
            if wanted == 1 { return .upgrade }
            let user = Array(operands[1].utf8)
            guard PasswordFileEditing.isUserName(user) else {
                throw arguments.error(
                    "a user name has up to 65535 bytes, no ':', no control characters, no '#' in front and no blanks "
                        + "at its ends")
            }
            if arguments.has("delete") { return .delete(user: user) }
            return .set(user: user, password: isBatch ? Array(operands[2].utf8) : nil)
        }

        func hash(_ kind: PasswordHash.Kind, _ password: [UInt8]) throws(CommandFailure) -> PasswordHash {
            guard let hash = PasswordHash.make(kind, of: password, iterations: iterations, SystemHashing()) else {
                throw CommandFailure("Argon2 needs 46 MiB of memory, which is not there")
            }
            return hash
        }
    }

    /// Where a file really lies: a link stays a link.
    private static func resolved(_ path: String) throws(CommandFailure) -> String {
        guard let real = realpath(path, nil) else {
            if errno == ENOENT { return path }
            throw CommandFailure("'\(path)' cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { free(real) }
        return String(cString: real)
    }
}

/// Asks for a password without showing it.
enum PasswordPrompt {
    private static let bytesMax = 65_535

    /// The password that was entered twice, or the one line of an input that is no terminal.
    static func ask() throws(CommandFailure) -> [UInt8] {
        guard isatty(STDIN_FILENO) == 1 else { return try checked(line()) }
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
            throw CommandFailure("the terminal cannot be asked: \(String(cString: strerror(errno)))")
        }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        silent.c_lflag |= tcflag_t(ECHONL)
        // An interrupt would leave a terminal that shows nothing: it is a character while a password is entered.
        silent.c_lflag &= ~tcflag_t(ISIG)
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else {
            throw CommandFailure(
                "the terminal does not stop showing what is typed: \(String(cString: strerror(errno)))")
        }
        defer { _ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) }
        FileBytes.write(Array("Password: ".utf8), to: STDERR_FILENO)
        let first = try checked(line())
        FileBytes.write(Array("Reenter password: ".utf8), to: STDERR_FILENO)
        guard line() == first else { throw CommandFailure("the passwords do not match") }
        return first
    }

    private static func checked(_ line: [UInt8]?) throws(CommandFailure) -> [UInt8] {
        guard let line, !line.isEmpty else { throw CommandFailure("a password is needed, and none was entered") }
        // Control-C, which is no signal while a password is entered.
        if line.contains(3) { throw CommandFailure("interrupted") }
        guard line.count <= bytesMax else { throw CommandFailure("a password has up to \(bytesMax) bytes") }
        return line
    }

    private static func line() -> [UInt8]? {
        var bytes: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return bytes.isEmpty ? nil : bytes }
            if byte == UInt8(ascii: "\n") { return bytes }
            bytes.append(byte)
            // Control-C ends the line; more than can be a password is not gathered.
            if byte == 3 || bytes.count > bytesMax { return bytes }
        }
    }
}

/// A file that takes another's place in one step.
enum ReplacedFile {
    /// Writes `bytes` beside `path`, synchronises them, and renames. The owner and mode of a file that is there are
    /// kept; a new one is readable by its owner alone.
    static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        let temporary = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard descriptor >= 0 else { throw failure(path) }
        do throws(CommandFailure) {
            try fill(descriptor, bytes, like: path)
            if rename(temporary, path) != 0 { throw failure(path) }
        } catch {
            unlink(temporary)
            close(descriptor)
            throw error
        }
        close(descriptor)
        let folder = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func fill(_ descriptor: Int32, _ bytes: [UInt8], like path: String) throws(CommandFailure) {
        var status = stat()
        if stat(path, &status) == 0 {
            // Only root gives files away; who else may write this one gets to own it.
            if fchown(descriptor, status.st_uid, status.st_gid) != 0, errno != EPERM { throw failure(path) }
            if fchmod(descriptor, status.st_mode & 0o777) != 0 { throw failure(path) }
        } else if fchmod(descriptor, 0o600) != 0 {
            throw failure(path)
        }
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { throw failure(path) }
            done += count
        }
        if fsync(descriptor) != 0 { throw failure(path) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure("'\(path)' cannot be written: \(String(cString: strerror(errno)))")
    }
}
