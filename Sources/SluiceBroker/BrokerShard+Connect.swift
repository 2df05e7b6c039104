import CommitLog
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// CONNECT: claims on client identifiers, across shards, and what a session kept.
extension BrokerShard {
    /// Decides on a request to connect.
    func connect(_ client: Client, _ request: ConnectRequest) {
        client.version = request.version
        client.clientID = request.clientID.isEmpty ? assignedClientID(client) : request.clientID
        client.isPersistent = request.sessionExpirySeconds > 0
        client.pendingRequest = request
        let owner = ClientOwner(shard: settings.index, number: client.number)
        client.hasClaim = true
        guard let previous = peers.withDirectory({ $0.claim(client.clientID, by: owner) }) else { return open(client) }
        // The former holder goes first: what it still has to store comes before what its session is asked for.
        if previous.shard == settings.index {
            received(.takeOver(clientNumber: previous.number, by: owner))
        } else {
            peers.post(.takeOver(clientNumber: previous.number, by: owner), to: previous.shard)
        }
    }

    /// Gives an identifier up to its new holder.
    func takeOver(_ client: Client, by owner: ClientOwner) {
        guard client.session.isOpen else {
            // It waits for the identifier itself, and passes it on when it comes.
            client.successor = owner
            return
        }
        client.hasClaim = false
        terminate(client, .sessionTakenOver)
        letIn(owner)
    }

    /// Tells the holder of an identifier that it is free.
    func letIn(_ owner: ClientOwner) {
        // What the former connection published is in the log before the new one is asked about it.
        submit()
        if owner.shard == settings.index {
            received(.released(clientNumber: owner.number))
        } else {
            peers.post(.released(clientNumber: owner.number), to: owner.shard)
        }
    }

    /// Opens the session of a client that holds its identifier.
    func open(_ client: Client) {
        guard let request = client.pendingRequest else { return }
        client.pendingRequest = nil
        if let successor = client.successor {
            client.successor = nil
            client.hasClaim = false
            terminate(client, .sessionTakenOver)
            return letIn(successor)
        }
        let stored = peers.withDirectory { $0.stored(client.clientID) }
        var flows: StoredFlows?
        if let stored {
            if request.cleanStart || !client.isPersistent {
                record(.cleared, of: client)
            } else {
                flows = StoredFlows(unreleased: stored)
            }
        }
        let assigned = request.clientID.isEmpty ? client.clientID : []
        client.session.opened(
            offer, resuming: flows, assignedClientID: assigned.span, now: now, into: &client.output)
        markDirty(client)
        client.link?.resume()
    }

    /// `sluice-` and a number that this node gives once: the wall's milliseconds, the shard and the connection.
    private func assignedClientID(_ client: Client) -> [UInt8] {
        Array("sluice-\(String(wallClock.rawValue, radix: 36))-\(settings.index)-\(client.number)".utf8)
    }

    /// Notes a change of a session: at once in the directory, and in the stream with this tick's append.
    func record(_ record: SessionRecord, of client: Client) {
        guard let partition = sessionsPartition else { return }
        peers.withDirectory { $0.apply(record, to: client.clientID) }
        append(record, of: client.clientID, to: partition)
    }

    private func append(_ record: SessionRecord, of clientID: [UInt8], to partition: PartitionID) {
        let key = RecordFields.key(clientID)
        let value = record.encoded
        let headers = RecordFields.headers([])
        accumulators.append(
            to: partition.index, at: wallClock, keyField: key.span, value: value.span, headersField: headers.span)
        acks.current.require(accumulators.expect(in: partition.index))
    }

    // MARK: The stream's length

    /// Bytes of the `__sessions` stream above which a snapshot takes the place of its history.
    private static let sessionsBytesMax: Int64 = 16 << 20

    /// Keeps the `__sessions` stream short: every open identifier is written once more, and when that is durable, what came before may go.
    /// The first shard does it for all.
    func trimSessions() {
        guard settings.index == 0, let partition = sessionsPartition else { return }
        if let trim = pendingTrim {
            guard log.progress.durable >= trim.lsn else { return }
            log.trim(partition, before: trim.offset)
            pendingTrim = nil
            return
        }
        let bounds = log.bounds(partition)
        guard bounds.byteCount > Self.sessionsBytesMax else { return }
        // The bound comes before the snapshot: every record below it was in the directory when the snapshot was taken.
        let snapshot = peers.withDirectory { $0.snapshot }
        for (clientID, record) in snapshot { append(record, of: clientID, to: partition) }
        submit()
        pendingTrim = (bounds.appended, log.barrier())
    }
}
