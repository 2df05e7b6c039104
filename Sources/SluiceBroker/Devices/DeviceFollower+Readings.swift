import Administration
import DeviceProfiles
import LogInterface
import PayloadFormats
import RecordFormat
import SluiceCore
import TopicRouting

/// Somebody wants to know what the devices of a key have last said, all of it.
struct ReadingOrder: Sendable {
    let number: UInt64
    let shard: Int
    let key: [UInt8]
}

/// The last values of a device, as they are read from the log: memory has the first few numbers only.
struct ReadingWork {
    /// A device of the key.
    struct Place {
        let profile: DeviceProfile
        let partition: PartitionID
        /// Its last record, and when that came.
        let last: Offset
        let lastSeen: Int64
    }

    /// What is read.
    enum Step {
        /// The last record.
        case last
        /// Where its last day begins is looked up.
        case finding
        /// Its last day, for messages that the last record is none of.
        case day
    }

    /// A value, and the record that it is of.
    struct Found {
        let offset: Offset
        let time: Int64
        let text: String
    }

    let order: ReadingOrder
    /// Devices that are still to be read.
    var places: [Place]
    /// What was read, by the names of profiles.
    var values: [String: [DeviceReport.Value]] = [:]
    var step = Step.last
    var cursor: PartitionCursor?
    var next = Offset.zero
    var end = Offset.zero
    /// Of the first place, by the pattern of the message and the field's place in it.
    var found: [String: [Int: Found]] = [:]
    var nodes = SparkplugNodes()
    var selection: TopicSelection?
    /// Bytes that may still be read.
    var byteCountLeft = 0

    /// Whether every field has a value.
    var isComplete: Bool {
        places.first?.profile.messages.allSatisfy { message in
            found[message.pattern.text]?.count ?? 0 == message.schema.fields.count
        } ?? true
    }

    /// Takes a read that it has asked for.
    /// - Returns: whether it had.
    mutating func take(_ number: UInt64, _ read: PartitionRead) -> Bool {
        guard cursor?.awaited == number else { return false }
        cursor?.answered()
        if read.isGone {
            next = end
            step = .day
        } else if !read.isFailed, step == .finding {
            next = read.nextOffset
            step = .day
        } else if !read.isFailed {
            cursor?.received(read)
            if cursor?.isEmpty ?? true { next = max(next, read.nextOffset) }
        }
        return true
    }

    /// The values of the first place are known.
    mutating func finishPlace() {
        let place = places.removeFirst()
        values[place.profile.name] = place.profile.messages.flatMap { message in
            message.schema.fields.enumerated().map { index, field in
                let found = found[message.pattern.text]?[index]
                var value = DeviceReport.Value(field.name, found?.text ?? "", unit: field.unit)
                value.time = found?.time
                value.pattern = message.pattern.text
                return value
            }
        }
        beginPlace()
    }

    /// Begins with the last record of the first place.
    mutating func beginPlace() {
        (step, cursor, found, selection) = (.last, nil, [:], nil)
        guard let place = places.first else { return }
        (next, end) = (place.last, place.last.advanced(by: 1))
    }
}

/// Readings that somebody has asked for, one after the other.
extension DeviceFollower {
    private static let readBytesMax = 256 << 10
    /// How far before its last record a device's other messages are looked for, in milliseconds.
    private static let dayMilliseconds: Int64 = 86_400_000
    /// Bytes of that which are read at most.
    private static let dayBytesMax = 256 << 20

    /// Goes on with the reading that was asked for, or begins the next.
    /// - Returns: whether there is more to do right now.
    func workOnReadings() -> Bool {
        if reading == nil { beginReading() }
        guard var work = reading else { return false }
        guard let place = work.places.first else {
            peers.post(.deviceRead(work.order.number, work.values), to: work.order.shard)
            reading = nil
            return true
        }
        var cursor = work.cursor ?? PartitionCursor(place.partition)
        guard cursor.awaited == nil else { return false }
        if work.next >= work.end || work.step == .finding {
            goOn(&work, &cursor, place)
            reading = work
            return cursor.awaited == nil
        }
        if cursor.isEmpty {
            let read = cursor.load(
                from: work.next, visibility: .durable, selection: work.selection, byteCountMax: Self.readBytesMax,
                by: &reads)
            work.cursor = cursor
            reading = work
            guard let read else { return false }
            cursor.received(read)
            if cursor.isEmpty { work.next = max(work.next, read.nextOffset) }
        }
        if let batch = cursor.batches.first {
            work.byteCountLeft -= batch.byteCount
            take(batch, &work, place)
            work.next = work.step == .day && work.byteCountLeft <= 0 ? work.end : max(work.next, cursor.finishBatch())
        }
        work.cursor = cursor
        reading = work
        return true
    }

    private func beginReading() {
        let order = peers.withDevices { $0.readings.isEmpty ? nil : $0.readings.removeFirst() }
        guard let order else { return }
        let profiles = routing.profiles.profiles
        let known = peers.withDevices { book in
            book.names.indices.compactMap { number -> (name: String, state: DeviceState)? in
                book.table.index(of: order.key.span, profile: number).map { (book.names[number], book.table[$0]) }
            }
        }
        let places = known.compactMap { name, state -> ReadingWork.Place? in
            guard let profile = profiles.first(where: { $0.name == name }), state.offset >= 0,
                let partitions = streams.stream(named: profile.stream)?.partitions,
                Int(state.partition) < partitions.count
            else { return nil }
            return ReadingWork.Place(
                profile: profile, partition: partitions[Int(state.partition)], last: Offset(rawValue: state.offset),
                lastSeen: state.lastSeen)
        }
        var work = ReadingWork(order: order, places: places)
        work.beginPlace()
        work.nodes = sparkplug
        reading = work
    }

    /// Goes on to the next step, or the next device.
    private func goOn(_ work: inout ReadingWork, _ cursor: inout PartitionCursor, _ place: ReadingWork.Place) {
        switch work.step {
        case .last where !work.isComplete:
            work.end = place.last
            work.nodes = SparkplugNodes(byteCountMax: 16 << 20)
            work.selection = selection(of: work.order.key, place.profile)
            work.byteCountLeft = Self.dayBytesMax
            work.step = .finding
            cursor.forget()
            cursor.forgetHint()
            find(&work, &cursor, place)
        // What could not be looked up is asked for again.
        case .finding: find(&work, &cursor, place)
        case .last, .day:
            work.finishPlace()
            work.nodes = sparkplug
        }
    }

    private func find(_ work: inout ReadingWork, _ cursor: inout PartitionCursor, _ place: ReadingWork.Place) {
        let time = Timestamp(rawValue: max(0, place.lastSeen - Self.dayMilliseconds))
        cursor.await(reads.find(place.partition, at: time))
        work.cursor = cursor
    }

    /// The topics of a device's messages.
    private func selection(of key: [UInt8], _ profile: DeviceProfile) -> TopicSelection {
        let rules = routing.rules
        let wildcards = profile.messages.map { message in
            var prefix = Array(message.pattern.text.utf8.prefix { !"{+#".utf8.contains($0) })
            // `a/#` matches `a` too.
            if prefix.last == UInt8(ascii: "/") { prefix.removeLast() }
            return TopicSelection.Wildcard(prefix: prefix) { rules.resolve($0).key == key }
        }
        return TopicSelection(topics: [], wildcards: wildcards)
    }

    // MARK: Records

    private func take(_ stored: RecordBatch, _ work: inout ReadingWork, _ place: ReadingWork.Place) {
        guard !stored.isControl else { return }
        do throws(BatchError) {
            let batch = try inflater.plain(stored)
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                guard offset >= work.next, offset < work.end, let value = record.value,
                    let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka)
                else { continue }
                let time = KafkaMessage.time(of: record, in: batch).rawValue
                take(
                    bytes.extracting(value.indices), of: bytes.extracting(topic.indices), &work, place, at: offset,
                    time)
            }
        } catch {
            report(.deviceBatchPassedOver, "devices: a batch is passed over, \(error, as: .reason)")
        }
    }

    private func take(
        _ payload: Span<UInt8>, of topic: Span<UInt8>, _ work: inout ReadingWork, _ place: ReadingWork.Place,
        at offset: Offset, _ time: Int64
    ) {
        guard let entry = entry(of: topic), routing.rules.resolve(topic).key == work.order.key,
            routing.profiles.profile(ofEntry: entry).name == place.profile.name
        else { return }
        let message = routing.profiles.entries[entry].message
        let fault =
            message.schema.format == .sparkplug
            ? work.nodes.check(payload, of: topic, slack: 0, schema: message.schema, by: reader)
            : reader.check(payload, slack: 0, schema: message.schema)
        guard fault == nil, message.schema.format != .raw else { return }
        for index in message.schema.fields.indices {
            guard let text = text(reader[index], payload) else { continue }
            let former = work.found[message.pattern.text]?[index]
            guard former.map({ $0.offset <= offset }) ?? true else { continue }
            work.found[message.pattern.text, default: [:]][index] = ReadingWork.Found(
                offset: offset, time: time, text: text)
        }
    }

    /// A value in words; nil when there is none.
    private func text(_ value: FieldValue, _ payload: Span<UInt8>) -> String? {
        switch value {
        case .absent, .null: nil
        case .number(let number):
            number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
        case .integer(let number): String(number)
        case .boolean(let flag): flag ? "true" : "false"
        case .text(let text): reader.text(text, in: payload)
        case .time(let nanoseconds): RFC3339.text(nanoseconds / 1_000_000)
        }
    }
}
