import Glibc

/// The files of a directory of device profiles.
enum ProfileFiles {
    /// Profiles that there may be.
    private static let countMax = 1000

    /// The paths of the profiles in `directory`, in the order of their names.
    /// - Throws: why it cannot be read, at `location`.
    static func paths(in directory: String, at location: SourceLocation) throws(ConfigurationError) -> [String] {
        guard let handle = opendir(directory) else {
            let reason = String(cString: strerror(errno))
            throw ConfigurationError(at: location, "'devices': the directory '\(directory)' cannot be read: \(reason)")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".yaml") || name.hasSuffix(".yml"), !name.hasPrefix(".") else { continue }
            names.append(name)
        }
        guard names.count <= countMax else {
            throw ConfigurationError(
                at: location, "'devices': '\(directory)' has \(names.count) profiles, the limit is \(countMax)")
        }
        return names.sorted().map { "\(directory)/\($0)" }
    }

    /// The name of a file without directory and ending.
    static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }
}
