internal import CSimdJSON

/// The document that was read last, with the values at the paths of a tree.
@safe
final class JSONDocument {
    private var parser: OpaquePointer
    /// Bytes of a document that fit the memory there is.
    private(set) var capacity = 4096
    /// Where documents are copied to behind which too little memory is readable.
    private var padded: UnsafeMutableRawBufferPointer
    private let results: UnsafeMutablePointer<sluice_json_value>

    /// What became of a document.
    enum Outcome: Equatable {
        case ok
        /// Why it is at fault, as far as the parser knows.
        case fault(PayloadFault.Reason)
    }

    init() {
        unsafe parser = Self.makeParser(byteCount: capacity)
        unsafe padded = .allocate(byteCount: capacity + Int(SLUICE_JSON_PADDING), alignment: 16)
        unsafe results = .allocate(capacity: PayloadLimits.fieldsMax)
    }

    deinit {
        unsafe sluice_json_destroy(parser)
        unsafe padded.deallocate()
        unsafe results.deallocate()
    }

    // MARK: Commands

    /// Reads a document, all of it.
    func read(_ payload: Span<UInt8>, slack: Int, tree: borrowing PathTree, fieldCount: Int) -> Outcome {
        if payload.count > capacity || capacity > PayloadLimits.keptBytesMax {
            guard payload.count <= PayloadLimits.payloadBytesMax else { return .fault(.tooLong) }
            resize(for: payload.count)
        }
        var step: UInt32 = 0
        let outcome = unsafe payload.withUnsafeBytes { bytes in
            let isPadded = slack >= Int(SLUICE_JSON_PADDING)
            if !isPadded { unsafe padded.copyMemory(from: bytes) }
            let source = unsafe isPadded ? bytes.baseAddress : UnsafeRawPointer(padded.baseAddress)
            let start = unsafe source?.assumingMemoryBound(to: UInt8.self)
            return unsafe tree.steps.withUnsafeBufferPointer { steps in
                unsafe tree.names.withUnsafeBufferPointer { names in
                    unsafe sluice_json_read(
                        parser, start, bytes.count, steps.baseAddress, steps.count, names.baseAddress, results,
                        fieldCount, &step)
                }
            }
        }
        switch outcome {
        case SLUICE_JSON_OK: return .ok
        case SLUICE_JSON_DUPLICATE: return .fault(.duplicateKey)
        case SLUICE_JSON_MISPLACED: return .fault(.wrongType)
        default: return .fault(.notJSON)
        }
    }

    // MARK: Queries

    /// What the document has for a field.
    @inline(__always)
    func token(_ field: Int) -> PayloadToken {
        let value = unsafe results[field]
        switch sluice_json_kind(value.kind) {
        case SLUICE_JSON_ABSENT: return .absent
        case SLUICE_JSON_NULL: return .null
        case SLUICE_JSON_FALSE: return .boolean(false)
        case SLUICE_JSON_TRUE: return .boolean(true)
        case SLUICE_JSON_INT64: return .integer(Int64(bitPattern: value.bits))
        case SLUICE_JSON_UINT64: return .large(value.bits)
        case SLUICE_JSON_DOUBLE: return .number(Double(bitPattern: value.bits))
        case SLUICE_JSON_TEXT:
            return .text(
                FieldText(
                    start: UInt32(truncatingIfNeeded: value.bits), byteCount: value.byte_count, isInPayload: false))
        default: return .other
        }
    }

    /// The bytes of a text of this document.
    func withText<Result>(_ text: FieldText, _ body: (Span<UInt8>) -> Result) -> Result {
        let texts = unsafe UnsafeBufferPointer(
            start: sluice_json_texts(parser) + Int(text.start), count: Int(text.byteCount))
        return unsafe body(texts.span)
    }

    // MARK: Memory

    private func resize(for byteCount: Int) {
        var capacity = 4096
        while capacity < byteCount { capacity *= 2 }
        guard capacity != self.capacity else { return }
        unsafe sluice_json_destroy(parser)
        unsafe padded.deallocate()
        self.capacity = capacity
        unsafe parser = Self.makeParser(byteCount: capacity)
        unsafe padded = .allocate(byteCount: capacity + Int(SLUICE_JSON_PADDING), alignment: 16)
    }

    private static func makeParser(byteCount: Int) -> OpaquePointer {
        // The library refuses what is nested as deep as its limit.
        let made = unsafe sluice_json_create(byteCount, PayloadLimits.depthMax + 1, PayloadLimits.stepsMax)
        guard let made = unsafe made else { preconditionFailure("No memory to read JSON") }
        return unsafe made
    }
}
