import LogInterface
import MQTTWire
import SluiceCore

/// Replays that end, and replays that keep the pace at which their records were published.
extension BrokerShard {
    /// Whether some replay waits for the time of its next record, so that ticks should come every few milliseconds.
    package var isPacing: Bool { readers.isPacing }

    /// Time has passed for the replays that keep a pace.
    func paceReplays() { readers.queuePaced() }

    /// What a record means for a replay's course.
    enum CourseStep { case goOn, notDue, over }

    /// Looks at the next record of a replay.
    func step(_ reader: Reader, _ partition: PartitionID, _ offset: Offset, _ time: Timestamp) -> CourseStep {
        guard let course = reader.course else { return .goOn }
        if course.isBeyond(partition, offset, time) {
            finish(reader, course, partition)
            return .over
        }
        return course.isDue(time, now: now) ? .goOn : .notDue
    }

    /// A replay has read everything of a partition that it is to read.
    private func finish(_ reader: Reader, _ course: ReplayCourse, _ partition: PartitionID) {
        assert(reader.course === course)
        reader.exclude(partition)
        course.open.remove(partition)
    }

    /// What a replay was to read of a deleted stream is over.
    func endCoursesOfGone() {
        for reader in readers.courses {
            guard let course = reader.course else { continue }
            for partition in course.open where streams.isGone(partition) { finish(reader, course, partition) }
        }
    }

    /// Ends the replays that have delivered everything.
    func endCourses() {
        for reader in readers.courses {
            guard let course = reader.course, course.bounds != nil else { continue }
            for partition in course.open where !reader.lags(partition) {
                if course.isOver(partition, readTo: scanned.offset(in: partition), now: wallClock) {
                    finish(reader, course, partition)
                }
            }
            if course.open.isEmpty, reader.isLive { end(reader, course) }
        }
        readers.dropFinished()
    }

    /// Says that a replay is over: a message without payload to `$stream/<name>`, or `$replay`, at QoS 0, with the
    /// number of records that were delivered in the user property `stream-end`.
    private func end(_ reader: Reader, _ course: ReplayCourse) {
        assert(course.open.isEmpty && reader.isLive, "a replay is over when it is in every partition")
        guard let client = reader.client else {
            // A tail of another kind sees that it is over by being closed.
            reader.course = nil
            reader.isClosed = true
            return
        }
        guard client.output.count + client.deferredByteCount < settings.limits.outputBytesMax else { return }
        reader.course = nil
        scratch.removeAll()
        if client.version == .v5 {
            let (name, value) = (Array("stream-end".utf8), Array(String(course.deliveredCount).utf8))
            PropertyWriter.append(userProperty: name.span, value.span, to: &scratch)
            let subscription = client.subscriptions.first { $0.reader === reader }
            if let identifier = subscription?.identifier {
                PropertyWriter.append(.subscriptionIdentifier, identifier, to: &scratch)
            }
        }
        let topic = course.endTopic
        // Behind deliveries that wait for the log, if there are any.
        if client.deferredByteCount > 0 {
            let start = sessions.current.bytes.count
            PacketEncoder.publish(
                into: &sessions.current.bytes, topic: topic.span, payload: Span(), packetID: .none, qos: .atMostOnce,
                retain: false, duplicate: false, properties: scratch.bytes, version: client.version)
            sessions.deferOutput(client, from: start)
        } else {
            PacketEncoder.publish(
                into: &client.output, topic: topic.span, payload: Span(), packetID: .none, qos: .atMostOnce,
                retain: false, duplicate: false, properties: scratch.bytes, version: client.version)
            markAnswered(client)
        }
    }
}
