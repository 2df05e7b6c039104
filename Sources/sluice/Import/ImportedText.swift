/// YAML under construction, and what did not get into it.
struct ImportedText {
    /// What is to be said of a line.
    struct Note {
        let option: MosquittoFile.Option
        let text: String
    }

    /// A password or a key, which goes to a file of its own.
    struct Secret {
        /// The file's name.
        let name: String
        let text: String
    }

    private(set) var lines: [String] = []
    private(set) var notes: [Note] = []
    /// What is to be said of the file as a whole.
    private(set) var remarks: [String] = []
    /// What kept people out, and is not in the YAML, by the options' names.
    private(set) var protections: [String] = []
    /// How many listeners and connections are left out whole.
    private(set) var leftOutCount = 0
    private(set) var secrets: [Secret] = []
    /// Files of users and rules that the YAML names.
    private(set) var files: [SecurityImport.File] = []

    /// Adds a line.
    mutating func add(_ line: String) { lines.append(line) }

    /// Adds a setting.
    mutating func add(_ indent: Int, _ key: String, _ value: String) {
        lines.append(String(repeating: " ", count: indent) + key + ": " + value)
    }

    /// Adds the lines of `other`, and what it says.
    mutating func add(_ other: ImportedText) {
        lines += other.lines
        notes += other.notes
        remarks += other.remarks
        for name in other.protections where !protections.contains(name) { protections.append(name) }
        secrets += other.secrets
        files += other.files
        leftOutCount += other.leftOutCount
    }

    /// Adds a setting that names a file which is carried over as it is.
    mutating func carry(_ indent: Int, _ key: String, _ file: SecurityImport.File) {
        files.append(file)
        add(indent, key, Self.quoted(file.path))
    }

    /// Says what was not converted.
    mutating func note(_ option: MosquittoFile.Option, _ text: String) {
        notes.append(Note(option: option, text: "'\(option.name)': \(text)"))
    }

    /// Says something of the file as a whole.
    mutating func remark(_ text: String) { remarks.append(text) }

    /// Says what kept people out, and is not converted.
    mutating func notProtected(_ option: MosquittoFile.Option, _ text: String) {
        note(option, text)
        if !protections.contains(option.name) { protections.append(option.name) }
    }

    /// Says which listener or connection is left out whole, and why.
    mutating func leaveOut(_ option: MosquittoFile.Option, _ text: String) {
        note(option, text)
        leftOutCount += 1
    }

    /// Keeps a secret out of the YAML, which names the file that holds it.
    mutating func hide(_ indent: Int, _ key: String, _ text: String, in directory: String, named name: String) {
        secrets.append(Secret(name: name, text: text))
        add(indent, key, Self.quoted(directory + "/" + name))
    }

    /// Text in double quotes, as YAML has it.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: quoted += "\\" + String(scalar)
            case 0..<0x20, 0x7F..<0xA0: quoted += "\\x" + hexadecimal(scalar, 2)
            // Line ends of YAML, and what it does not take at all.
            case 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: quoted += "\\u" + hexadecimal(scalar, 4)
            case _: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar, _ width: Int) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: width - digits.count) + digits
    }
}
