/// Changes to the text of a password file; lines of other users, and comments, stay as they are.
package enum PasswordFileEditing {
    /// Whether a name can stand in a file: nothing that ends it, and no control characters.
    package static func isUserName(_ name: [UInt8]) -> Bool {
        !name.isEmpty && name.count <= 65_535 && name.first != UInt8(ascii: "#")
            && !name.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: ":") }
            && SecurityLines.trimmed(name[...]).count == name.count && String(validating: name, as: UTF8.self) != nil
    }

    /// Gives a user lines in place of those it has.
    /// - Returns: the new text.
    package static func set(_ user: [UInt8], _ hashes: [PasswordHash], in text: [UInt8]) -> [UInt8] {
        let lines = hashes.map { user + Array(":\($0.text)".utf8) }
        var result: [[UInt8]] = []
        var isWritten = false
        for line in self.lines(of: text) {
            guard self.user(of: line) == user else {
                result.append(line)
                continue
            }
            if !isWritten { result += lines }
            isWritten = true
        }
        if !isWritten { result += lines }
        return joined(result)
    }

    /// The text without a user; nil when the user is not there.
    package static func remove(_ user: [UInt8], from text: [UInt8]) -> [UInt8]? {
        let all = lines(of: text)
        let left = all.filter { self.user(of: $0) != user }
        return left.count == all.count ? nil : joined(left)
    }

    /// The forms of a user's lines that SCRAM has made.
    package static func scramKinds(of user: [UInt8], in text: [UInt8]) -> [PasswordHash.Kind] {
        lines(of: text).filter { self.user(of: $0) == user }.compactMap { line in
            let secret = line.drop { $0 != UInt8(ascii: ":") }.dropFirst().drop { $0 == UInt8(ascii: " ") }
            return ScramMechanism.allCases.map { .scram($0) }.first { secret.starts(with: $0.mark.utf8) }
        }
    }

    /// Whether a user has a line.
    package static func has(_ user: [UInt8], in text: [UInt8]) -> Bool {
        lines(of: text).contains { self.user(of: $0) == user }
    }

    /// Puts hashes in place of passwords in plain text. Lines that are hashed already stay.
    /// - Parameter make: the hash of a password.
    /// - Throws: an error for a line that is none, or what `make` throws.
    package static func hashPasswords(
        in text: [UInt8], file: String, _ make: ([UInt8]) throws -> PasswordHash
    ) throws -> [UInt8] {
        var result: [[UInt8]] = []
        for (index, line) in lines(of: text).enumerated() {
            let entry = try PasswordLine(SecurityLines.trimmedEnd(line[...])) { message in
                SecurityFileError(file: file, line: index + 1, message: message)
            }
            let isHashed = entry.map { entry in
                PasswordHash.Kind.all.contains { entry.secret.starts(with: $0.mark.utf8) }
            }
            guard let entry, isHashed == false else {
                result.append(line)
                continue
            }
            result.append(entry.user + Array(":\(try make(Array(entry.secret)).text)".utf8))
        }
        return joined(result)
    }

    private static func lines(of text: [UInt8]) -> [[UInt8]] {
        let ended = text.last == UInt8(ascii: "\n") ? text.dropLast() : text[...]
        if ended.isEmpty { return [] }
        return ended.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    }

    private static func user(of line: [UInt8]) -> [UInt8]? {
        guard line.first != UInt8(ascii: "#"), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        return Array(SecurityLines.trimmed(line[..<colon]))
    }

    private static func joined(_ lines: [[UInt8]]) -> [UInt8] { lines.flatMap { $0 + [UInt8(ascii: "\n")] } }
}
