import Administration
import GroupCoordination
import LogInterface
import RecordFormat
import SluiceCore

/// Kafka's share groups as `sluice groups` shows and changes them.
extension BrokerShard {
    /// Adds the groups that share records to reports of others. A group of which both is on record is what its members
    /// make of it, and one without members a consumer group.
    func addingShares(to reports: [GroupReport]) -> [GroupReport] {
        let active = peers.withOffsets { table in
            table.shares.names.reduce(into: [String: [GroupMetadata.Member]]()) { $0[$1] = table.members(of: $1) }
        }
        let positions = peers.withShares { table in
            Set(table.names).union(active.keys).reduce(into: [String: [ShareTable.Position]]()) {
                $0[$1] = table.positions(of: $1)
            }
        }
        let others = reports.filter { active[$0.name] == nil }
        let known = Set(others.map(\.name))
        let shares = positions.filter { !known.contains($0.key) }.map { name, positions in
            var report = GroupReport()
            report.name = name
            report.kind = "share"
            report.members = active[name]?.map(self.report) ?? []
            report.offsets = positions.compactMap(position).sorted {
                ($0.stream, $0.partition) < ($1.stream, $1.partition)
            }
            return report
        }
        return (others + shares).sorted { $0.name < $1.name }
    }

    private func position(_ shared: ShareTable.Position) -> GroupReport.Position? {
        let stream = log.streams.first {
            SharePlace(topicID: $0.id, number: shared.place.number) == shared.place
        }
        guard let stream else { return nil }
        var position = GroupReport.Position()
        position.stream = stream.settings.name
        position.partition = Int64(shared.place.number)
        position.committed = shared.start.rawValue
        position.committedMilliseconds = shared.writtenAt.rawValue
        position.doneBehind = Int64(shared.doneCount)
        let bounds = bounds(StreamPartition(stream: stream.settings.name, number: shared.place.number))
        position.start = bounds?.start.rawValue ?? 0
        position.end = bounds?.highWatermark.rawValue ?? 0
        return position
    }

    /// Takes what a group shares off the record; nobody is in it.
    func forgetShares(of name: String) {
        changeShares { table in
            table.closeSessions(of: name)
            return table.remove(name)
        }
    }

    /// Moves a group in partitions of a stream that it shares; nobody is in it.
    /// - Returns: whether it shares any of them.
    func resetShares(of name: String, _ stream: StreamDescription, _ offsets: [Int: Int64]) -> Bool {
        let moves = offsets.compactMap { number, offset in
            SharePlace(topicID: stream.id, number: Int32(number)).map { (ShareKey(name, $0), Offset(rawValue: offset)) }
        }
        guard peers.withOffsets({ $0[name] == nil }),
            peers.withShares({ table in moves.contains { table.has($0.0) } })
        else { return false }
        changeShares { table in
            moves.compactMap { key, offset in table.reset(key, to: offset, now: wallClock) }
        }
        return true
    }

    /// Changes what groups share, and appends the records of it within the lock, in the order of the changes.
    private func changeShares(_ body: (inout ShareTable) -> [ShareStateRecord]) {
        guard let partition = streams.stream(named: ShareStateRecord.stream)?.partitions.first else { return }
        let growth = peers.withShares { table in
            let before = table.byteCount
            let records = body(&table)
            guard !records.isEmpty else { return table.byteCount - before }
            var builder = RecordBatchBuilder()
            let headers = RecordFields.headers([])
            for record in records {
                let key = RecordFields.key(record.key)
                if let value = record.value {
                    builder.append(at: wallClock, keyField: key.span, value: value.span, headersField: headers.span)
                } else {
                    builder.appendTombstone(at: wallClock, keyField: key.span, headersField: headers.span)
                }
            }
            _ = log.append(
                [Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)], from: loop)
            return table.byteCount - before
        }
        peers.addMemory(growth)
    }
}
