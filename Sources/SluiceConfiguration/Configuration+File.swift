import Glibc

extension Configuration {
    /// Reads the configuration in the file at `path`.
    /// - Throws: everything wrong with it, or why it cannot be read.
    package static func load(
        path: String, environment: [String: String] = [:]
    ) throws(ConfigurationErrors) -> Configuration {
        let text: [UInt8]
        do throws(ConfigurationError) {
            text = try contents(of: path)
        } catch {
            throw ConfigurationErrors([error])
        }
        return try read(text, file: path, environment: environment)
    }

    /// The bytes of a file.
    static func contents(of path: String) throws(ConfigurationError) -> [UInt8] {
        guard let file = fopen(path, "re") else { throw unreadable(path) }
        defer { fclose(file) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let byteCount = fread(&chunk, 1, chunk.count, file)
            text += chunk.prefix(byteCount)
            if text.count > YAMLReader.textBytesMax { return text }
            if byteCount == 0 { break }
        }
        if ferror(file) != 0 { throw unreadable(path) }
        return text
    }

    private static func unreadable(_ path: String) -> ConfigurationError {
        let reason = String(cString: strerror(errno))
        return ConfigurationError(at: SourceLocation(file: path, line: 0, column: 0), "cannot be read: \(reason)")
    }
}
