import DeviceProfiles
import LogInterface
import SluiceCore

/// What a follower writes: news of devices, and what is known of them.
extension DeviceFollower {
    /// Devices whose news, or whose state, go into one append.
    private static let appendedMax = 2000

    /// Tells what is new of devices on their topics and in `__presence`, in one append with what is known of them:
    /// nobody hears of it twice. A whole fleet may fall silent at once, and shares its batches.
    /// - Parameter all: devices with what is new of each; nil when it is silent.
    func tell(_ all: [(index: Int, news: DeviceNews?)]) {
        var rest = all[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.appendedMax)
            rest = rest.dropFirst(some.count)
            tellSome(some)
        }
    }

    private func tellSome(_ some: ArraySlice<(index: Int, news: DeviceNews?)>) {
        let (events, records) = peers.withDevices { book in
            var events: [DeviceEvent] = []
            var records: [(key: [UInt8], value: [UInt8])] = []
            for (index, news) in some {
                let (profile, key) = (book.names[book.table.profile(at: index)], book.table.key(at: index))
                let state = book.table[index]
                events.append(DeviceEvent(profile: profile, key: key, state: state, news: news, at: wallClock))
                records.append((DeviceRecord.key(key, profile: profile), DeviceRecord.value(state)))
            }
            return (events, records)
        }
        var known = DeviceAppend(at: wallClock, in: memory)
        for record in records { known.put(record.key, record.value) }
        var appends = known.finish(devicesPartition)
        if let presencePartition {
            var presence = DeviceAppend(at: wallClock, in: memory)
            for event in events { presence.put(event.key, event.document, topic: Presence.topic(ofKey: event.key)) }
            appends += presence.finish(presencePartition)
        }
        pending.append((log.append(appends, from: loop), some.map(\.index)))
        guard peers.withDirectory({ $0.systemSubscriptionCount }) > 0 else { return }
        for topic in events.compactMap(\.topic) {
            for shard in 0..<peers.shardCount { peers.post(.presence(topic), to: shard) }
        }
    }

    // MARK: Erasure

    /// Forgets devices that are to be erased, as soon as everything was read that was stored of them: from then on
    /// nothing of that is recorded any more.
    func eraseDevices() {
        let due = peers.withDevices { book in
            let due = book.erasures.filter(hasRead)
            book.erasures.removeAll(where: hasRead)
            for erasure in due {
                book.refusals = book.refusals.filter { $0.key.key != erasure.key }
                for number in book.names.indices where !erasure.others.contains(book.names[number]) {
                    guard let index = book.table.index(of: erasure.key.span, profile: number) else { continue }
                    book.table.erase(index)
                }
            }
            return due
        }
        guard !due.isEmpty else { return }
        let ends = log.endOffsets()
        var known = [devicesPartition: ends[devicesPartition.index]]
        if let presencePartition { known[presencePartition] = ends[presencePartition.index] }
        for erasure in due { peers.post(.deviceErased(job: erasure.job, known), to: erasure.shard) }
    }

    private func hasRead(_ erasure: DeviceErasure) -> Bool {
        erasure.read.allSatisfy { partition, end in
            sources.allSatisfy { $0.cursor.partition != partition || $0.next >= end || streams.isGone(partition) }
        }
    }

    // MARK: On record

    /// Begins to record what has changed until now.
    func beginRecording() {
        recording = sources.map { (partition: $0.cursor.partition, offset: $0.next) }
        peers.withDevices { $0.table.beginRecording() }
    }

    /// Records some of it, or, when that is done, the positions.
    func record() {
        let (isOver, devices) = peers.withDevices { book in
            let taken = book.table.takeRecorded(Self.appendedMax)
            // Of what is erased there is no record to take away.
            let known = taken.filter { !book.table[$0].flags.contains(.isErased) }
            let devices = known.map { index in
                (
                    index: index, profile: book.names[book.table.profile(at: index)], key: book.table.key(at: index),
                    state: book.table[index]
                )
            }
            return (taken.isEmpty, devices)
        }
        if isOver { return recordPositions() }
        guard !devices.isEmpty else { return }
        var append = DeviceAppend(at: wallClock, in: memory)
        for device in devices {
            let key = DeviceRecord.key(device.key, profile: device.profile)
            append.put(key, device.state.lastSeen == 0 ? nil : DeviceRecord.value(device.state))
        }
        pending.append((log.append(append.finish(devicesPartition), from: loop), devices.map(\.index)))
    }

    /// Positions are recorded behind the devices: what lies before them is in what is on record.
    private func recordPositions() {
        checkpoint.done(at: wallClock.rawValue)
        let positions = (recording ?? []).filter { !streams.isGone($0.partition) }
        recording = nil
        var append = DeviceAppend(at: wallClock, in: memory)
        append.put(DeviceRecord.positionsKey, DeviceRecord.value(positions, streams))
        pending.append((log.append(append.finish(devicesPartition), from: loop), []))
    }
}
