import Bridging
import LogInterface
import RecordFormat
import SluiceCore

/// Checkpoints, positions and what is told of them.
extension BridgeRunner {
    // MARK: Checkpoints

    /// The checkpoint as a record of its own.
    func checkpointAppend() -> Append {
        var checkpoint = BridgeCheckpoint()
        checkpoint.isPaused = connection.isPaused
        checkpoint.isLooped = loop != nil
        checkpoint.totals = totals
        checkpoint.totals.received += receivedPending
        checkpoint.lastPacketID = lastPacketID
        checkpoint.partitions = sources.map { source in
            let (position, done) = source.progress.checkpoint
            assert(position <= source.progress.read, "what was not read is not done with")
            assert(done.allSatisfy { $0 >= position }, "what lies below the position says the position")
            return BridgeCheckpoint.Partition(
                stream: source.stream, number: source.number, position: position, done: done,
                counts: source.progress.counts, sentEnd: source.progress.sentEnd)
        }
        checkpoint.assured = assured.map { message in
            assert(sources.indices.contains(message.source), "a message on its way has a source")
            return BridgeCheckpoint.Assured(
                packetID: message.packetID, partition: message.source, offset: message.offset,
                isReceived: message.isReceived)
        }
        checkpoint.epoch = epoch
        var builder = RecordBatchBuilder()
        let key = RecordFields.key(Array(settings.name.utf8))
        let value = checkpoint.encoded()
        let headers = RecordFields.headers([])
        builder.append(at: wallClock, keyField: key.span, value: value.span, headersField: headers.span)
        return Append(partition: checkpointPartition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
    }

    /// Takes its place in every partition: where the checkpoint says, or where it begins.
    func restore(_ checkpoint: BridgeCheckpoint?) {
        totals = checkpoint?.totals ?? BridgeTotals()
        guard map.isOut else {
            isCheckpointDirty = checkpoint == nil
            return
        }
        assert(sources.isEmpty && assured.isEmpty, "a bridge takes its place once")
        lastPacketID = checkpoint?.lastPacketID ?? 0
        let notes = checkpoint.map { $0.epoch == 0 ? [] : notebook.contents() } ?? []
        if let checkpoint, checkpoint.hasShortNotes { totals.forwarded = checkpoint.notedForwardedCount(notes) }
        for stream in log.streams where !stream.settings.isInternal {
            for (number, partition) in stream.partitions.enumerated() {
                let known = checkpoint?.noted(stream.settings.name, number, notes)
                let bounds = log.bounds(partition)
                // A stream that is new since the checkpoint has nothing that the bridge has seen.
                let isLatest = checkpoint == nil && settings.beginning == .latest
                let progress =
                    known.map { restored($0, bounds) }
                    ?? PartitionProgress(position: isLatest ? bounds.end : bounds.start)
                sources.append(
                    BridgeSource(
                        partition: partition, stream: stream.settings.name, number: number, progress: progress))
            }
        }
        if let checkpoint { keepCounts(checkpoint, notes) }
        restoreAssured(checkpoint)
        window.isNoted = assured.isEmpty && settings.topics.allSatisfy { !$0.direction.isOut || $0.qos < .exactlyOnce }
        beginNotes()
    }

    /// Streams that are no more have counted what they have.
    private func keepCounts(_ checkpoint: BridgeCheckpoint, _ notes: [UInt8]) {
        for place in checkpoint.partitions
        where !sources.contains(where: { $0.stream == place.stream && $0.number == place.number }) {
            if let known = checkpoint.noted(place.stream, place.number, notes) { totals.add(known.counts) }
        }
    }

    private func restored(_ known: BridgeCheckpoint.Partition, _ bounds: PartitionBounds) -> PartitionProgress {
        guard known.position <= bounds.end else {
            // The log has lost its end: what was counted of it is counted no more in this partition.
            totals.add(known.counts)
            return PartitionProgress(position: bounds.end)
        }
        return PartitionProgress(
            position: known.position, done: known.done, counts: known.counts, sentEnd: known.sentEnd)
    }

    private func restoreAssured(_ checkpoint: BridgeCheckpoint?) {
        guard let checkpoint else { return }
        for message in checkpoint.assured {
            let place = checkpoint.partitions[message.partition]
            guard let index = sources.firstIndex(where: { $0.stream == place.stream && $0.number == place.number }),
                message.offset >= sources[index].progress.position
            else { continue }
            assured.append(
                Assured(
                    packetID: message.packetID, source: index, offset: message.offset,
                    isReceived: message.isReceived))
        }
        fetchAssured()
    }

    // MARK: Seeking

    /// Goes on from another place, with what is on its way given up.
    func seek(_ seek: BridgeSeek) {
        if connection.isConnected {
            upstream.disconnect()
            events.removeAll()
            forgetConnection()
            connection.lost(UpstreamFailure(.local, "it begins anew from another place"), now: now, jitter: 0)
            connection.resume(now: now)
        }
        assured.removeAll()
        probe = nil
        for index in sources.indices {
            let bounds = log.bounds(sources[index].partition)
            sources[index].reset()
            totals.add(sources[index].progress.counts)
            sources[index].progress.sought(sources[index].progress.position)
            switch seek {
            case .earliest: sources[index].progress.sought(bounds.start)
            case .latest: sources[index].progress.sought(bounds.highWatermark)
            case .time(let milliseconds):
                sources[index].sought = Timestamp(rawValue: milliseconds)
                findSought(index)
            }
        }
        beginNotes()
    }

    /// Looks up the time that a source is to go on from, unless that is under way.
    private func findSought(_ index: Int) {
        guard let time = sources[index].sought, sources[index].cursor.awaited == nil else { return }
        sources[index].cursor.await(reads.find(sources[index].partition, at: time))
    }

    // MARK: Looks

    /// Looks at lag and retention, and holds or warns.
    func look() {
        lastLook = now
        inflater.forget()
        if let checks = intake.checks {
            peers.withDevices { $0.take(checks.takeCounts(), refused: checks.takeRefused()) }
        }
        guard map.isOut else { return }
        let byteCount = sources.reduce(0) { $0 + log.figures($1.partition).byteCount }
        for index in sources.indices {
            time(index)
            findSought(index)
        }
        fetchAssured()
        var isKept = false
        for source in sources {
            switch settings.overtaking {
            case .hold(let quotaBytes):
                let position: Offset? = byteCount <= quotaBytes ? source.progress.position : nil
                if log.hold(source.partition, from: position, for: loopID) { isKept = true }
            case .dropAndCount: break
            }
        }
        isHolding = isKept
        let wasWarned = hasWarned
        hasWarned = sources.contains(where: isNearlyOvertaken)
        guard hasWarned, !wasWarned else { return }
        let consequence =
            switch settings.overtaking {
            case .hold(let quotaBytes):
                byteCount <= quotaBytes
                    ? "retention waits for it, up to \(quotaBytes) bytes"
                    : "its quota of \(quotaBytes) bytes is used up, and what retention takes is lost to it"
            case .dropAndCount: "what retention takes is lost to it and counted"
            }
        report(
            .bridgeOvertaken,
            "bridge \(settings.name, as: .bridge): retention is about to overtake it; \(consequence, as: .reason)")
    }

    /// Notes when the record at a position was stored, from memory or from files, where it is after a restart.
    private func time(_ index: Int) {
        let source = sources[index]
        let position = source.progress.position
        guard source.oldestStoredAt == nil, source.timing == nil,
            position < log.bounds(source.partition).highWatermark
        else { return }
        switch reads.read(source.partition, from: position, visibility: .durable, byteCountMax: 1) {
        case .found(let read): timed(index, read.batches.first)
        case .coming(let number): sources[index].timing = number
        }
    }

    /// The batch with the record at a position, or the next that is kept, was read.
    func timed(_ index: Int, _ batch: RecordBatch?) {
        guard let batch = batch.flatMap(plain) else { return }
        let position = sources[index].progress.position
        let bytes = batch.bytes
        var time = BatchLayout.baseTimestamp(bytes)
        var records = RecordReader(batch)
        while let record = next(&records, bytes) {
            time = KafkaMessage.time(of: record, in: batch)
            if batch.baseOffset.advanced(by: record.offsetDelta) >= position { break }
        }
        // One that was read for an earlier position is no news.
        guard batch.nextOffset > position else { return }
        sources[index].timestamp = time
        sources[index].timedAt = position
    }

    /// Whether the bridge is in the oldest segment of a partition, and four fifths of what is kept are used up.
    private func isNearlyOvertaken(_ source: BridgeSource) -> Bool {
        let bounds = log.bounds(source.partition)
        let figures = log.figures(source.partition)
        guard figures.hasRemovable, source.progress.position < bounds.highWatermark else { return false }
        let lag = bounds.highWatermark.rawValue - source.progress.position.rawValue
        guard lag > (bounds.highWatermark.rawValue - bounds.start.rawValue) / 5 * 4 else { return false }
        guard let stream = log.streams.first(where: { $0.settings.name == source.stream }) else { return false }
        let policy = stream.settings.policy
        guard policy.cleanup.deletes else { return false }
        if let most = policy.retentionBytesMax, figures.byteCount > most / 5 * 4 { return true }
        if let age = policy.retentionMilliseconds, let time = source.timestamp {
            return wallClock.rawValue - time.rawValue > age / 5 * 4
        }
        return false
    }

    // MARK: Status

    /// What it does now.
    package var status: BridgeStatus {
        let first = settings.addresses[connection.address ?? 0].description
        var status = BridgeStatus(
            name: settings.name, state: state, failure: loop ?? connection.failure, address: first)
        status.refusals = refusals
        status.remarks = settings.remarks
        for source in sources {
            let bounds = log.bounds(source.partition)
            let lag = max(0, bounds.highWatermark.rawValue - source.progress.position.rawValue)
            status.lagRecords += lag
            status.lagBytes += log.figures(source.partition).byteCount(of: lag, in: bounds)
            status.partitions.append(
                BridgeStatus.Partition(
                    stream: source.stream, number: source.number, position: source.progress.position.rawValue,
                    end: bounds.highWatermark.rawValue, oldestStoredAt: source.oldestStoredAt,
                    counts: source.progress.counts))
        }
        status.inflight = window.count
        status.totals = totals
        return status
    }

    private var state: BridgeState {
        if loop != nil { return .held }
        if connection.isPaused { return .paused }
        if connection.isIdle { return .idle }
        if connection.isConnected {
            // What the upstream has to say before it knows what the bridge subscribes to does not come here.
            guard subscriptions.isEmpty else { return .connecting }
            let behind = sources.contains { source in
                log.bounds(source.partition).highWatermark.rawValue - source.progress.read.rawValue
                    > Int64(settings.inflightMax)
            }
            return behind ? .catchingUp : .live
        }
        if isHolding { return .held }
        return connection.failure == nil ? .connecting : .failed
    }
}

extension BridgeStatus {
    /// Brings the positions up to the bridge's last tick.
    package mutating func renewPositions(_ runner: BridgeRunner) {
        assert(partitions.count == runner.sources.count, "a status tells of every source")
        for (index, source) in runner.sources.enumerated() {
            partitions[index].position = source.progress.position.rawValue
            partitions[index].oldestStoredAt = source.oldestStoredAt
            partitions[index].counts = source.progress.counts
        }
        inflight = runner.window.count
        totals = runner.totals
        refusals = runner.refusals
    }
}

extension BridgeCheckpoint {
    /// Progress in a partition, with what was noted since.
    fileprivate func noted(_ stream: String, _ number: Int, _ notes: [UInt8]) -> Partition? {
        guard let index = partitions.firstIndex(where: { $0.stream == stream && $0.number == number }) else {
            return nil
        }
        var partition = partitions[index]
        guard hasShortNotes else {
            BridgeNotes.apply(notes.span, at: index, epoch: epoch, to: &partition)
            return partition
        }
        if let noted = BridgeNotes.shortNote(notes.span, at: index, epoch: epoch), noted.position > partition.position {
            partition.position = noted.position
            partition.counts = BridgeCounts(start: noted.position)
            partition.sentEnd = max(partition.sentEnd, noted.position)
        }
        return partition
    }

    /// Messages forwarded, with those that were noted since.
    fileprivate func notedForwardedCount(_ notes: [UInt8]) -> UInt64 {
        partitions.indices.reduce(totals.forwarded) { count, index in
            max(count, BridgeNotes.shortNote(notes.span, at: index, epoch: epoch)?.forwardedCount ?? 0)
        }
    }
}
