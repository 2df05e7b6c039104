internal import CCBOR

/// The CBOR data item that was read last, with the values at the paths of a tree.
///
/// One pass over the items, with the open arrays and maps in a stack that is as deep as nesting may be.
/// Source: RFC 8949.
final class CBORDocument {
    /// For each field what the item has at its place.
    private(set) var tokens: [PayloadToken]
    /// The bytes of texts that come in pieces.
    private(set) var texts: [UInt8] = []
    /// For each step where its value begins, and in which document that was.
    private var places: [Place]
    private var document: UInt32 = 0
    private var open: [Container] = []
    private var position = 0

    /// Where a step was found.
    private struct Place {
        var document: UInt32 = 0
        var start = 0
    }

    /// An array or a map that is being read.
    private struct Container {
        /// The step of the paths that it is at, or -1.
        let step: Int
        let isMap: Bool
        /// The items that follow; nil when a break ends them.
        var remaining: Int?
        /// The place of the next item.
        var index: Int64 = 0
        /// The step of the value that follows, when its name has been read.
        var child = -1
        /// Whether a name has been read and its value has not.
        var isNamed = false
    }

    init() {
        tokens = Array(repeating: .absent, count: PayloadLimits.fieldsMax)
        places = Array(repeating: Place(), count: PayloadLimits.stepsMax)
        open.reserveCapacity(PayloadLimits.depthMax)
    }

    // MARK: Commands

    /// Reads a data item, all of it.
    func read(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        guard payload.count <= PayloadLimits.payloadBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax)
        }
        begin(schema)
        do throws(PayloadFault) {
            repeat { try step(payload, schema) } while !open.isEmpty
        } catch {
            return error
        }
        return position == payload.count ? nil : PayloadFault(.trailingBytes, at: position)
    }

    private func begin(_ schema: PayloadSchema) {
        for field in schema.fields.indices { tokens[field] = .absent }
        document &+= 1
        if document == 0 {
            for step in places.indices { places[step].document = 0 }
            document = 1
        }
        open.removeAll(keepingCapacity: true)
        texts.removeAll(keepingCapacity: texts.capacity <= PayloadLimits.keptBytesMax)
        position = 0
    }

    // MARK: Queries

    /// Where a field's value begins, or the innermost one that should have it.
    func start(of field: Int, tree: PathTree) -> Int {
        var step = 0
        var start = 0
        while places[step].document == document {
            start = places[step].start
            guard let next = tree.step(to: field, below: step) else { break }
            step = next
        }
        return start
    }

    // MARK: Items

    /// Reads the next item: a name, a value, or the end of an array or a map.
    private func step(_ payload: Span<UInt8>, _ schema: PayloadSchema) throws(PayloadFault) {
        if open.isEmpty { return try value(payload, schema, step: schema.tree.steps.isEmpty ? -1 : 0) }
        let last = open.count - 1
        if open[last].remaining == 0 {
            open.removeLast()
            return
        }
        if open[last].isMap, !open[last].isNamed { return try name(payload, schema) }
        let step: Int
        if open[last].isMap {
            step = open[last].child
            open[last].isNamed = false
        } else {
            step = open[last].step < 0 ? -1 : schema.tree.child(of: open[last].step, at: open[last].index) ?? -1
            open[last].index += 1
        }
        open[last].remaining = open[last].remaining.map { $0 - 1 }
        try value(payload, schema, step: step)
    }

    private func next(_ payload: Span<UInt8>) throws(PayloadFault) -> sluice_cbor_item {
        var item = sluice_cbor_item()
        let position = self.position
        let taken = unsafe payload.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe sluice_cbor_next($0 + position, bytes.count - position, &item) } ?? 0
        }
        guard taken != 0 else { throw PayloadFault(.truncated, at: payload.count) }
        guard taken > 0 else { throw PayloadFault(.notCBOR, at: position) }
        self.position += taken
        return item
    }

    /// A value, or the break that ends what it would be in.
    private func value(_ payload: Span<UInt8>, _ schema: PayloadSchema, step: Int) throws(PayloadFault) {
        let start = position
        var item = try next(payload)
        var tag: UInt64?
        var depth = open.count
        while sluice_cbor_kind(item.kind) == SLUICE_CBOR_TAG {
            depth += 1
            guard depth < PayloadLimits.depthMax else { throw PayloadFault(.tooDeep, at: start) }
            tag = item.bits
            item = try next(payload)
            if sluice_cbor_kind(item.kind) == SLUICE_CBOR_BREAK { throw PayloadFault(.notCBOR, at: position - 1) }
        }
        if step >= 0 { places[step] = Place(document: document, start: start) }
        let field = step >= 0 ? schema.tree.field(at: step) : nil
        switch sluice_cbor_kind(item.kind) {
        case SLUICE_CBOR_ARRAY, SLUICE_CBOR_ARRAY_START, SLUICE_CBOR_MAP, SLUICE_CBOR_MAP_START:
            if let field { tokens[field] = .other }
            try enter(item, payload, step: field == nil ? step : -1, start: start)
        case SLUICE_CBOR_BREAK: try leave(at: start)
        default:
            let token = try scalar(item, payload, isKept: field != nil)
            if let field {
                tokens[field] = Self.moment(token, tag: tag, type: schema.checks[field].type, payload, texts) ?? token
            } else if step >= 0 {
                if case .null = token { return }
                throw PayloadFault(.wrongType, field: schema.tree.firstField(at: step), at: start)
            }
        }
    }

    private func enter(
        _ item: sluice_cbor_item, _ payload: Span<UInt8>, step: Int, start: Int
    ) throws(PayloadFault) {
        guard open.count < PayloadLimits.depthMax else { throw PayloadFault(.tooDeep, at: start) }
        let kind = sluice_cbor_kind(item.kind)
        let isMap = kind == SLUICE_CBOR_MAP || kind == SLUICE_CBOR_MAP_START
        var remaining: Int?
        if kind == SLUICE_CBOR_MAP || kind == SLUICE_CBOR_ARRAY {
            // Each item takes a byte or more.
            guard item.bits <= UInt64(payload.count - position) else {
                throw PayloadFault(.truncated, at: payload.count)
            }
            remaining = Int(item.bits)
        }
        open.append(Container(step: step, isMap: isMap, remaining: remaining))
    }

    private func leave(at start: Int) throws(PayloadFault) {
        guard let last = open.last, last.remaining == nil, !last.isMap else {
            throw PayloadFault(.notCBOR, at: start)
        }
        open.removeLast()
    }

    /// The name of a pair: text, or a whole number, which is a name of digits; of others no path
    /// can say anything, and nested ones are refused.
    private func name(_ payload: Span<UInt8>, _ schema: PayloadSchema) throws(PayloadFault) {
        let last = open.count - 1
        let start = position
        let item = try next(payload)
        let parent = open[last].step
        var child = -1
        switch sluice_cbor_kind(item.kind) {
        case SLUICE_CBOR_BREAK:
            guard open[last].remaining == nil else { throw PayloadFault(.notCBOR, at: start) }
            open.removeLast()
            return
        case SLUICE_CBOR_UINT:
            child = parent < 0 ? -1 : Int64(exactly: item.bits).flatMap { schema.tree.child(of: parent, at: $0) } ?? -1
        case SLUICE_CBOR_NEGINT:
            child =
                parent < 0
                ? -1 : Int64(exactly: item.bits).flatMap { schema.tree.child(of: parent, at: -1 - $0) } ?? -1
        case SLUICE_CBOR_TEXT, SLUICE_CBOR_TEXT_START:
            let token = try scalar(item, payload, isKept: parent >= 0)
            if parent >= 0, case .text(let text) = token {
                let texts = self.texts
                child =
                    text.isInPayload
                    ? schema.tree.child(of: parent, named: payload.extracting(text.indices)) ?? -1
                    : schema.tree.child(of: parent, named: texts.span.extracting(text.indices)) ?? -1
            }
        case SLUICE_CBOR_ARRAY, SLUICE_CBOR_ARRAY_START, SLUICE_CBOR_MAP, SLUICE_CBOR_MAP_START, SLUICE_CBOR_TAG:
            throw PayloadFault(.notCBOR, at: start)
        default: _ = try scalar(item, payload, isKept: false)
        }
        if child >= 0, places[child].document == document {
            throw PayloadFault(.duplicateKey, field: schema.tree.firstField(at: child), at: start)
        }
        open[last].child = child
        open[last].isNamed = true
    }

    // MARK: Leaves

    private func scalar(
        _ item: sluice_cbor_item, _ payload: Span<UInt8>, isKept: Bool
    ) throws(PayloadFault) -> PayloadToken {
        switch sluice_cbor_kind(item.kind) {
        case SLUICE_CBOR_UINT: return Int64(exactly: item.bits).map { .integer($0) } ?? .large(item.bits)
        case SLUICE_CBOR_NEGINT:
            return Int64(exactly: item.bits).map { .integer(-1 - $0) } ?? .number(-1 - Double(item.bits))
        case SLUICE_CBOR_DOUBLE: return .number(item.number)
        case SLUICE_CBOR_FALSE: return .boolean(false)
        case SLUICE_CBOR_TRUE: return .boolean(true)
        case SLUICE_CBOR_NULL: return .null
        case SLUICE_CBOR_TEXT:
            let range = position - item.byte_count..<position
            try checkText(payload, range)
            return .text(
                FieldText(start: UInt32(range.lowerBound), byteCount: UInt32(range.count), isInPayload: true))
        case SLUICE_CBOR_TEXT_START: return try pieces(payload, isText: true, isKept: isKept)
        case SLUICE_CBOR_BYTES_START: return try pieces(payload, isText: false, isKept: false)
        case SLUICE_CBOR_BREAK: throw PayloadFault(.notCBOR, at: position - 1)
        default: return .other
        }
    }

    private func checkText(_ payload: Span<UInt8>, _ range: Range<Int>) throws(PayloadFault) {
        if let flaw = payload.extracting(range).utf8Flaw { throw PayloadFault(.notUTF8, at: range.lowerBound + flaw) }
    }

    /// A string in pieces, each of them whole, up to a break.
    private func pieces(_ payload: Span<UInt8>, isText: Bool, isKept: Bool) throws(PayloadFault) -> PayloadToken {
        let start = texts.count
        while true {
            let place = position
            let item = try next(payload)
            switch sluice_cbor_kind(item.kind) {
            case SLUICE_CBOR_BREAK:
                guard isText else { return .other }
                return .text(
                    FieldText(start: UInt32(start), byteCount: UInt32(texts.count - start), isInPayload: false))
            case SLUICE_CBOR_TEXT where isText:
                let range = position - item.byte_count..<position
                try checkText(payload, range)
                if isKept { for index in range { texts.append(payload[index]) } }
            case SLUICE_CBOR_BYTES where !isText: break
            default: throw PayloadFault(.notCBOR, at: place)
            }
        }
    }

    /// A moment by its tag, whatever unit the schema names; nil when the tag says nothing about it.
    ///
    /// Source: RFC 8949 §3.4.1, §3.4.2.
    private static func moment(
        _ token: PayloadToken, tag: UInt64?, type: FieldType, _ payload: Span<UInt8>, _ texts: [UInt8]
    ) -> PayloadToken? {
        guard let tag, case .time = type else { return nil }
        let moment: Moment?
        switch (tag, token) {
        case (1, .integer(let seconds)): moment = Moment(seconds, nanosecondsEach: 1_000_000_000)
        case (1, .number(let seconds)): moment = Moment(seconds, nanosecondsEach: 1_000_000_000)
        case (0, .text(let text)):
            let bytes = text.isInPayload ? payload.extracting(text.indices) : texts.span.extracting(text.indices)
            switch Moment.read(bytes, needsZone: true) {
            case .moment(let read): moment = read
            case .tooFar: moment = nil
            case .notTime: return .other
            }
        default: return nil
        }
        return .moment(moment?.nanoseconds)
    }
}
