package import SluiceCore

/// Groups whose members speak Kafka's classic protocol, under the table's lock.
extension OffsetTable {
    /// Takes up the groups of Kafka's clients that are on record: their members have their sessions' time to be heard
    /// of.
    package mutating func restoreClassic(now: Int64) {
        for (name, group) in groups {
            if let metadata = group.metadata { classic.restore(name, metadata, now: now) }
        }
    }

    /// Calls `body` with the groups of Kafka's clients, unless MQTT clients are in the one that it is about.
    /// - Parameters:
    ///   - name: the group.
    ///   - generation: the last one on record of it.
    /// - Returns: what the call brought about; those groups that have changed have their effect here already, and
    ///   their records are to be appended.
    package mutating func withClassic(
        _ name: String, at now: Timestamp,
        _ body: (_ groups: inout ClassicGroups, _ generation: Int32) throws(GroupFault) -> Void
    ) throws(GroupFault) -> ClassicOutcome {
        if registry.isActive(name) || consumers.isActive(name) || shares.isActive(name) {
            throw .inconsistentProtocol
        }
        // What a coordinator of MQTT's members remembers of acknowledgements may be passed, or taken back, from now on.
        registry.forget(name)
        do throws(GroupFault) {
            try body(&classic, groups[name]?.metadata?.generation ?? 0)
        } catch {
            return ClassicOutcome(fault: error, takeClassic(at: now))
        }
        return ClassicOutcome(fault: nil, takeClassic(at: now))
    }

    /// The connection of a request that waited is gone.
    package mutating func abandonedClassic(
        _ name: String, _ waiter: GroupWaiter, now: Int64, at time: Timestamp
    ) -> ClassicOutcome {
        classic.abandoned(name, waiter, now: now)
        return ClassicOutcome(fault: nil, takeClassic(at: time))
    }

    /// Time has passed for the groups of Kafka's clients.
    package mutating func elapsedClassic(now: Int64, at time: Timestamp) -> ClassicOutcome {
        classic.elapsed(now: now)
        return ClassicOutcome(fault: nil, takeClassic(at: time))
    }

    mutating func takeClassic(
        at time: Timestamp
    ) -> (answers: [(waiter: GroupWaiter, answer: GroupAnswer)], records: [GroupRecord]) {
        let effects = classic.takeEffects()
        var records: [GroupRecord] = []
        for name in effects.changed {
            guard let metadata = classic.metadata(of: name, at: time) else { continue }
            let record = GroupRecord.metadata(group: name, metadata)
            apply(record)
            records.append(record)
        }
        classic.dropIdle()
        return (effects.answers, records)
    }

    /// What came of a call about Kafka's groups.
    package struct ClassicOutcome: Sendable {
        /// Why the request itself came to nothing.
        package let fault: GroupFault?
        /// Answers to requests that waited, this one's perhaps among them.
        package let answers: [(waiter: GroupWaiter, answer: GroupAnswer)]
        /// What is to be appended.
        package let records: [GroupRecord]

        init(
            fault: GroupFault?,
            _ effects: (answers: [(waiter: GroupWaiter, answer: GroupAnswer)], records: [GroupRecord])
        ) {
            self.fault = fault
            answers = effects.answers
            records = effects.records
        }
    }
}
