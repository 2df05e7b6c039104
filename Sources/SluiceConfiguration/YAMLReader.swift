import CYAML

/// Reads the one document of a YAML text as nodes, through libyaml's events.
///
/// Anchors, aliases and tags are refused: no setting needs them, and aliases let a small file grow without bound.
/// Isolation: one reading.
final class YAMLReader {
    private let file: String
    private let diagnostics: Diagnostics
    private let text: UnsafeMutableBufferPointer<UInt8>
    private var parser = yaml_parser_t()
    private var event = yaml_event_t()

    /// Nesting of sections and lists; the deepest setting lies at 4.
    private static let depthMax = 16
    /// Bytes of a configuration; ten thousand rules fit.
    static let textBytesMax = 4 << 20

    private init(_ text: [UInt8], file: String, _ diagnostics: Diagnostics) {
        self.file = file
        self.diagnostics = diagnostics
        self.text = .allocate(capacity: text.count)
        _ = self.text.initialize(from: text)
        precondition(yaml_parser_initialize(&parser) == 1, "libyaml has no memory")
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(&parser, self.text.baseAddress, text.count)
    }

    deinit {
        yaml_event_delete(&event)
        yaml_parser_delete(&parser)
        text.deallocate()
    }

    /// The document's root, nil when the text is empty.
    /// - Throws: the first error of syntax; duplicate keys go to `diagnostics`.
    static func read(
        _ text: [UInt8], file: String, _ diagnostics: Diagnostics
    ) throws(ConfigurationError) -> YAMLNode? {
        let start = SourceLocation(file: file, line: 1, column: 1)
        if text.count > textBytesMax {
            throw ConfigurationError(at: start, "the file has \(text.count) bytes, the limit is \(textBytesMax)")
        }
        let reader = YAMLReader(text, file: file, diagnostics)
        try reader.advance()
        try reader.advance()
        if reader.event.type == YAML_STREAM_END_EVENT { return nil }
        try reader.advance()
        let root = try reader.node(depth: 0)
        try reader.advance()
        try reader.advance()
        guard reader.event.type == YAML_STREAM_END_EVENT else {
            throw ConfigurationError(
                at: reader.location, "a configuration is one document; remove '---' and what follows")
        }
        return root
    }

    /// Where the current event starts.
    private var location: SourceLocation { place(event.start_mark) }

    private func place(_ mark: yaml_mark_t) -> SourceLocation {
        SourceLocation(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    /// Takes the next event.
    private func advance() throws(ConfigurationError) {
        yaml_event_delete(&event)
        guard yaml_parser_parse(&parser, &event) == 1 else {
            let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
            // A reader error, such as a byte that is no UTF-8, has an offset instead of a mark.
            if parser.error == YAML_READER_ERROR {
                throw ConfigurationError(at: place(ofByte: parser.problem_offset), "this is not YAML: \(problem)")
            }
            let context = parser.context.map { " " + String(cString: $0) } ?? ""
            throw ConfigurationError(at: place(parser.problem_mark), "this is not YAML: \(problem)\(context)")
        }
    }

    private func place(ofByte offset: Int) -> SourceLocation {
        let before = text.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return SourceLocation(file: file, line: line, column: before.count - lineStart + 1)
    }

    /// The node that starts with the current event; the current event is its last afterwards.
    private func node(depth: Int) throws(ConfigurationError) -> YAMLNode {
        if depth > Self.depthMax {
            throw ConfigurationError(at: location, "sections and lists are nested more than \(Self.depthMax) deep")
        }
        let start = location
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuse(anchor: scalar.anchor, tag: scalar.tag)
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            return YAMLNode(content: .scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain), location: start)
        case YAML_SEQUENCE_START_EVENT:
            try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
            return YAMLNode(content: .sequence(try elements(depth: depth)), location: start)
        case YAML_MAPPING_START_EVENT:
            try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
            return YAMLNode(content: .mapping(try entries(depth: depth)), location: start)
        case YAML_ALIAS_EVENT:
            throw ConfigurationError(at: start, "aliases ('*name') are not supported; write the value out")
        default:
            throw ConfigurationError(at: start, "expected a value")
        }
    }

    private func elements(depth: Int) throws(ConfigurationError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        try advance()
        while event.type != YAML_SEQUENCE_END_EVENT {
            elements.append(try node(depth: depth + 1))
            try advance()
        }
        return elements
    }

    private func entries(depth: Int) throws(ConfigurationError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var firstLines: [String: Int] = [:]
        try advance()
        while event.type != YAML_MAPPING_END_EVENT {
            let key = try node(depth: depth + 1)
            guard case .scalar(let name, _) = key.content else {
                throw ConfigurationError(at: key.location, "expected the name of a setting, found \(key.summary)")
            }
            try advance()
            let value = try node(depth: depth + 1)
            if let line = firstLines[name] {
                diagnostics.report(at: key.location, "'\(name)' is already given in line \(line)")
            } else {
                firstLines[name] = key.location.line
                entries.append(YAMLNode.Entry(key: name, keyLocation: key.location, value: value))
            }
            try advance()
        }
        return entries
    }

    private func refuse(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?
    ) throws(ConfigurationError) {
        if anchor != nil { throw ConfigurationError(at: location, "anchors ('&name') are not supported") }
        if tag != nil { throw ConfigurationError(at: location, "tags ('!name') are not supported") }
    }
}
