import Administration
import CommitLog
import CommitLogPosix
import RecordFormat
import SluiceBroker
import SluiceCore

/// Prints what log files hold.
package struct LogDumper {
    private let place: InspectedPlace
    private let isDeep: Bool
    private let isJSON: Bool
    private let output: any LineOutput

    /// A dump of a place as lines of `output`.
    /// - Parameters:
    ///   - isDeep: whether records are printed, not only batches.
    ///   - isJSON: whether each line is a JSON document.
    package init(place: InspectedPlace, isDeep: Bool, isJSON: Bool, to output: any LineOutput) {
        self.place = place
        self.isDeep = isDeep
        self.isJSON = isJSON
        self.output = output
    }

    /// Prints the place: a file, a partition, or everything.
    /// - Returns: whether everything was whole.
    /// - Throws: `ToolFault` when it is no file of a log; what the storage throws.
    package func dump() throws -> Bool {
        defer { output.flush() }
        var isWhole = true
        switch place.kind {
        case .file(let name): isWhole = try dump(file: name)
        case .partition(let partition): isWhole = try dump(partition)
        case .dataDirectory:
            for name in try place.storage.list("streams").sorted() {
                isWhole = try dump(InspectedPartition(name: name)) && isWhole
            }
            for number in try place.storage.list(JournalFiles.directory).compactMap(JournalFiles.number).sorted() {
                try dump(JournalFile(storage: place.storage, number: number), title: JournalFiles.path(number))
            }
        }
        return isWhole
    }

    private func dump(_ partition: InspectedPartition) throws -> Bool {
        var isWhole = true
        for base in try partition.segments(place.storage) {
            isWhole = try dump(segment: partition.path(base, ".log")) && isWhole
        }
        return isWhole
    }

    private func dump(file name: String) throws -> Bool {
        if name.hasSuffix(".log") { return try dump(segment: name) }
        if let base = SegmentPaths.baseOffset(name, suffix: ".index") {
            try dump(index: name, base, entryByteCount: 8)
        } else if let base = SegmentPaths.baseOffset(name, suffix: ".timeindex") {
            try dump(index: name, base, entryByteCount: 12)
        } else if let number = JournalFiles.number(name) {
            try dump(JournalFile(storage: place.storage, number: number, path: name), title: name)
        } else {
            throw ToolFault("\(name) is no .log, .index, .timeindex or .wal file")
        }
        return true
    }

    // MARK: Segments

    private func dump(segment path: String) throws -> Bool {
        heading(path)
        var isWhole = true
        _ = try SegmentFile(storage: place.storage, path: path).forEach { item, position, bytes in
            switch item {
            case .batch(let header):
                printBatch(header, at: position, path)
                if isDeep { try printRecords(header, bytes) }
            case .damage(let byteCount, let reason, _):
                isWhole = false
                printDamage(byteCount, reason, at: position, path)
            }
        }
        return isWhole
    }

    private func heading(_ path: String) {
        if !isJSON { output.line(path) }
    }

    private func printBatch(_ header: BatchHeader, at position: Int64, _ path: String) {
        guard isJSON else {
            let offsets = "\(header.baseOffset.rawValue)..\(header.lastOffset.rawValue)"
            let count = String(header.recordCount).padded(to: 6)
            let byteCount = String(header.byteCount).padded(to: 8)
            return output.line(
                "  batch at \(String(position).padded(to: 10)) offsets \(offsets.padded(to: 20)) records \(count) "
                    + "bytes \(byteCount) until \(RFC3339.text(header.maxTimestamp.rawValue))  "
                    + "crc \(String(header.checksum, radix: 16))  \(header.codecName)")
        }
        output.line(
            JSON.members([
                "kind": .string("batch"), "file": .string(path), "position": .integer(position),
                "base_offset": .integer(header.baseOffset.rawValue),
                "last_offset": .integer(header.lastOffset.rawValue),
                "records": .integer(Int64(header.recordCount)), "bytes": .integer(Int64(header.byteCount)),
                "base_timestamp": .integer(header.baseTimestamp.rawValue),
                "max_timestamp": .integer(header.maxTimestamp.rawValue), "crc": .integer(Int64(header.checksum)),
                "codec": .string(header.codecName),
            ]).description)
    }

    private func printDamage(_ byteCount: Int64, _ reason: String, at position: Int64, _ path: String) {
        guard isJSON else { return output.line("  DAMAGE at \(position): \(byteCount) bytes: \(reason)") }
        output.line(
            JSON.members([
                "kind": .string("damage"), "file": .string(path), "position": .integer(position),
                "bytes": .integer(byteCount), "reason": .string(reason),
            ]).description)
    }

    private func printRecords(_ header: BatchHeader, _ bytes: Span<UInt8>) throws {
        let batch = try RecordBatch.plain(header, bytes)
        let bytes = batch.bytes
        var reader = RecordReader(batch)
        while let record = try reader.next(bytes) {
            let offset = header.baseOffset.rawValue + Int64(record.offsetDelta)
            let timestamp = header.baseTimestamp.rawValue + Int64(record.timestampDelta)
            var headers: [(name: String, value: [UInt8])] = []
            var headerReader = HeaderReader(record)
            while let (name, value) = headerReader.next(bytes) {
                headers.append((String(decoding: copy(bytes, name), as: UTF8.self), copy(bytes, value)))
            }
            let key = record.key.map { copy(bytes, $0) }
            let value = record.value.map { copy(bytes, $0) }
            output.line(
                isJSON
                    ? json(offset, timestamp, key, value, headers).description
                    : text(offset, timestamp, key, value, headers))
        }
    }

    private func text(
        _ offset: Int64, _ timestamp: Int64, _ key: [UInt8]?, _ value: [UInt8]?, _ headers: [(String, [UInt8])]
    ) -> String {
        func show(_ bytes: [UInt8]?) -> String {
            guard let bytes else { return "null" }
            let (json, isText) = JSON.bytes(bytes)
            return isText ? json.description : "base64 \(json.text ?? "")"
        }
        let list = headers.map { "\($0.0)=\(show($0.1))" }.joined(separator: " ")
        return "    \(offset)  \(RFC3339.text(timestamp))  key \(show(key))  value \(show(value))  \(list)"
    }

    private func json(
        _ offset: Int64, _ timestamp: Int64, _ key: [UInt8]?, _ value: [UInt8]?, _ headers: [(String, [UInt8])]
    ) -> JSON {
        func member(_ name: String, _ bytes: [UInt8]?) -> [JSON.Member] {
            guard let bytes else { return [.init(name: name, value: .null)] }
            let (json, isText) = JSON.bytes(bytes)
            let encoding = JSON.Member(name: "\(name)_encoding", value: .string("base64"))
            return [.init(name: name, value: json)] + (isText ? [] : [encoding])
        }
        let list = headers.map { header in
            JSON.object([.init(name: "name", value: .string(header.0))] + member("value", header.1))
        }
        let start: [JSON.Member] = [
            .init(name: "kind", value: .string("record")), .init(name: "offset", value: .integer(offset)),
            .init(name: "timestamp", value: .integer(timestamp)),
        ]
        return .object(
            start + member("key", key) + member("value", value) + [.init(name: "headers", value: .array(list))])
    }

    private func copy(_ bytes: Span<UInt8>, _ range: FieldRange) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(Int(range.count))
        for index in range.indices { copy.append(bytes[index]) }
        return copy
    }

    // MARK: Indexes and the journal

    private func dump(index path: String, _ base: Offset, entryByteCount: Int) throws {
        heading(path)
        let bytes = try place.storage.contents(path, byteCountMax: 64 << 20)
        for at in stride(from: 0, through: bytes.count - entryByteCount, by: entryByteCount) {
            let members: KeyValuePairs<String, JSON>
            if entryByteCount == 8 {
                let delta = Int64(BatchLayout.load(bytes.span, at: at, as: Int32.self))
                let position = Int64(BatchLayout.load(bytes.span, at: at + 4, as: Int32.self))
                members = [
                    "kind": .string("index"), "offset": .integer(base.rawValue + delta), "position": .integer(position),
                ]
            } else {
                let timestamp = BatchLayout.load(bytes.span, at: at, as: Int64.self)
                let delta = Int64(BatchLayout.load(bytes.span, at: at + 8, as: Int32.self))
                members = [
                    "kind": .string("timeindex"), "timestamp": .integer(timestamp),
                    "offset": .integer(base.rawValue + delta),
                ]
            }
            output.line(
                isJSON
                    ? JSON.members(members).description
                    : "  " + members.dropFirst().map { "\($0.key) \($0.value)" }.joined(separator: "  "))
        }
    }

    private func dump(_ file: JournalFile, title: String) throws {
        heading(title)
        guard let content = try file.read() else {
            return isJSON ? () : output.line("  nothing written yet")
        }
        for frame in content.frames {
            let entries = frame.entries.map { entry in
                JSON.members([
                    "partition": .integer(Int64(entry.partition)), "base_offset": .integer(entry.baseOffset),
                    "records": .integer(Int64(entry.recordCount)), "bytes": .integer(Int64(entry.byteCount)),
                ])
            }
            guard !isJSON else {
                output.line(
                    JSON.members([
                        "kind": .string("frame"), "file": .string(title), "position": .integer(Int64(frame.position)),
                        "lsn": .integer(Int64(frame.lsn)), "durable_lsn": .integer(Int64(frame.durableLSN)),
                        "bytes": .integer(Int64(frame.byteCount)), "entries": .array(entries),
                    ]).description)
                continue
            }
            output.line(
                "  frame at \(String(frame.position).padded(to: 10)) lsn \(String(frame.lsn).padded(to: 10)) "
                    + "durable \(String(frame.durableLSN).padded(to: 10)) bytes \(frame.byteCount)")
            guard isDeep else { continue }
            for entry in frame.entries {
                let what = entry.isReservation ? "reserved" : "\(entry.byteCount) bytes"
                let place = "partition \(entry.partition)  offset \(entry.baseOffset)"
                output.line("    \(place)  records \(entry.recordCount)  \(what)")
            }
        }
    }
}

extension String {
    /// Filled up with spaces on the right.
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
