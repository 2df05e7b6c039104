import CLinux
import Cryptography
import Glibc

/// Small files of a data directory that are no part of the log.
enum DirectoryFile {
    /// Writes a file beside `path` and puts it there when the device has it.
    static func store(_ path: String, _ text: String, mode: mode_t) -> Bool {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode)
        guard descriptor >= 0, let file = fdopen(descriptor, "w") else { return false }
        let isWritten = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(descriptor) == 0
        guard fclose(file) == 0, isWritten, rename(temporary, path) == 0 else { return false }
        let name = path.split(separator: "/").last ?? ""
        let folder = open(String(path.dropLast(name.utf8.count)), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        return fsync(folder) == 0
    }
}

/// The file with the node's own secret, of which the answers to unknown users are made: were it another at each start,
/// answers that change would tell them from users that are known.
enum NodeSecret {
    private static let name = "node.secret"

    /// The secret of a data directory, which is made when there is none.
    static func read(_ directory: String) throws -> [UInt8] {
        let path = "\(directory)/\(name)"
        if access(path, F_OK) == 0 {
            let secret = try FileText.read(path, byteCountMax: 256).filter { $0 > UInt8(ascii: " ") }
            guard secret.count >= 32 else { throw CommandFailure("\(path): expected a secret of 32 bytes or more") }
            return secret
        }
        let secret = Secrets.randomBytes(32).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        guard DirectoryFile.store(path, secret + "\n", mode: 0o600) else {
            throw CommandFailure("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        return Array(secret.utf8)
    }
}
