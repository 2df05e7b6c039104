import CommitLog
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking
import Testing

@testable import SluiceBroker

/// The records of a session's subscriptions, one for each filter.
@Suite("A session's subscriptions on record")
struct SessionRecordTests {
    private static let clientID = Array("gateway".utf8)

    private static func filters(_ session: StoredSession?) -> [String] {
        (session?.subscriptions ?? []).map { String(decoding: $0.filter, as: UTF8.self) }
    }

    private func parked(_ log: FakeLog) -> StoredSession? {
        TestShard(log).peers.directory.parkedSessions.first { $0.clientID == Self.clientID }?.session
    }

    private func subscriber(_ test: TestShard, _ count: Int) -> TestClient {
        let client = test.connect("gateway", .v311, clean: false)
        for number in 0..<count {
            client.subscribe("line/\(number)/+", qos: .atLeastOnce)
            test.commit()
        }
        _ = client.take()
        return client
    }

    @Test("a session that is a user's, and a will with its listener, are read back as they were recorded")
    func owned() throws {
        let streams = TestShard().shard.streams
        func readBack(_ record: StateRecord, _ kind: StateRecord.Kind) throws -> StateRecord? {
            let key = try #require(StateRecord.parse(key: StateRecord.key(kind, Self.clientID)))
            let value = record.encoded(streams)
            return StateRecord(key, value.span, streams)
        }
        for owner in [Principal.anonymous, .user("ada"), .certificate("CN=x"), .bridge("b")] {
            var session = StoredSession(expirySeconds: 3600)
            session.owner = owner
            session.disconnectedAt = Timestamp(rawValue: 1_790_000_000_000)
            #expect(try readBack(.session(session), .session) == .session(session), "\(owner)")
            let message = ConnectPacket.Will(
                topic: [116], payload: [1, 2], qos: .atLeastOnce, retain: true, properties: [])
            let will = StoredWill(message: message, principal: owner, listener: "mqtts", delaySeconds: 7)
            #expect(try readBack(.will(will), .will) == .will(will), "\(owner)")
        }
    }

    @Test("a user's session outlives a crash, and is still its user's")
    func ownedSurvives() throws {
        let test = TestShard(admission: NameAuthenticator(), access: try RulesDesk("pattern readwrite #"))
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 3600 as UInt32, to: &$0) }
        let client = test.connect("gateway", .v5, properties: properties)
        client.subscribe("line/+", qos: .atLeastOnce)
        test.commit()
        let session = parked(test.log.crashed())
        #expect(session?.owner == .user("gateway") && session?.expirySeconds == 3600)
        #expect(Self.filters(session) == ["line/+"])
    }

    @Test("each SUBSCRIBE writes what it changes, however many there were before")
    func linear() {
        func byteCount(_ count: Int) -> Int {
            let test = TestShard()
            _ = subscriber(test, count)
            return test.log.sessionByteCount
        }
        let (few, many) = (byteCount(100), byteCount(400))
        #expect(many < few * 5, "\(few) bytes for 100 subscriptions, \(many) for 400")
    }

    @Test("after a crash there is what was subscribed to last, and not what was given up")
    func survive() {
        let test = TestShard()
        let client = subscriber(test, 3)
        client.unsubscribe("line/1/+")
        client.subscribe("line/0/+", qos: .exactlyOnce)
        test.commit()
        let session = parked(test.log.crashed())
        #expect(Self.filters(session) == ["line/2/+", "line/0/+"])
        #expect(session?.subscriptions.last?.options.qos == .exactlyOnce)
    }

    @Test("a session that was forgotten leaves none to the next of its name")
    func forgotten() {
        let test = TestShard()
        subscriber(test, 2).drop()
        test.connect("gateway", .v311, clean: true).drop()
        test.connect("gateway", .v311, clean: false).subscribe("new", qos: .atLeastOnce)
        test.commit()
        #expect(Self.filters(parked(test.log.crashed())) == ["new"])
    }

    /// The records of a session, in the order that compaction leaves: its own record is the newest.
    private static func replay(_ records: [(StateRecord, [UInt8])]) -> SessionDirectory {
        let streams = StreamTable(FakeLog().streams)
        var replay = SessionReplay(streams)
        for (record, key) in records { replay.apply(key: key, value: record.encoded(streams).span) }
        #expect(replay.damagedCount == 0)
        return replay.finish(now: 0, wallClock: Timestamp(rawValue: 0))
    }

    @Test("their order in the stream does not matter")
    func compacted() {
        let filters = ["a/+", "b/#"].map { Array($0.utf8) }
        let subscriptions = filters.map {
            StoredSubscription(filter: $0, options: SubscriptionOptions(qos: .atLeastOnce), identifier: 7)
        }
        let head = (StateRecord.session(StoredSession(expirySeconds: 60)), StateRecord.key(.session, Self.clientID))
        let records = subscriptions.map {
            (StateRecord.subscription($0), StateRecord.key(Self.clientID, filter: $0.filter))
        }
        for order in [[head] + records, records + [head], [records[0], head, records[1]]] {
            let session = Self.replay(order).parkedSessions.first?.session
            #expect(session?.subscriptions == subscriptions)
        }
        // Without a session they are nothing.
        #expect(Self.replay(records).parkedSessions.isEmpty)
    }

    /// The session's record as it was when it had the subscriptions inside.
    private static var formerRecord: [UInt8] {
        var writer = StateWriter()
        for number in [3600, 1, 2] { writer.put(number) }
        for filter in ["old/1", "old/2"] {
            writer.put(Array(filter.utf8))
            for number in [1, 0, 0] { writer.put(number) }
        }
        return writer.finish(version: 1)
    }

    @Test("a session's record of the former kind has them inside, until the session is gone on with")
    func formerKind() {
        let old = FakeLog()
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.key(StateRecord.key(.session, Self.clientID)), RecordFields.headers([]))
        builder.append(
            at: Timestamp(rawValue: 1), keyField: key.span, value: Self.formerRecord.span, headersField: headers.span)
        let append = Append(
            partition: old.streams[1].partitions[0], batch: builder.finish(), isAwaited: true, topicHashes: nil)
        _ = old.append([append], from: old.register(wake: {}))
        old.commit()
        #expect(Self.filters(parked(old.crashed())) == ["old/1", "old/2"])
        let test = TestShard(old.crashed())
        let client = test.connect("gateway", .v311, clean: false, sessionPresent: true)
        client.unsubscribe("old/1")
        client.subscribe("new", qos: .atLeastOnce)
        test.commit()
        #expect(client.take().last == "suback [1]")
        #expect(Self.filters(parked(test.log.crashed())) == ["old/2", "new"])
    }

    /// Streams of some partitions each, in an order; their identifiers do not depend on it.
    private static func streams(_ names: [String]) -> StreamTable {
        var next: UInt32 = 0
        return StreamTable(
            names.map { name in
                var settings = StreamSettings(name: name)
                settings.partitionCount = name.count
                let partitions = (0..<UInt32(name.count)).map { PartitionID(rawValue: next + $0) }
                next += UInt32(name.count)
                return StreamDescription(settings: settings, id: "id-\(name)", partitions: partitions)
            })
    }

    @Test("where a session stands is the same in another order of the streams, and without some of them")
    func otherOrder() throws {
        let before = Self.streams(["aa", "bbb", "c", "__sessions"])
        var session = StoredSession(expirySeconds: 60)
        session.positions = Positions(base: Positions.Vector((0..<16).map { Offset(rawValue: 100 + $0) }))
        session.assuredEnds = [PartitionID(rawValue: 3): Offset(rawValue: 9), PartitionID(rawValue: 5): .zero]
        // bbb-1, aa-0, c-0
        let tokens = [3, 0, 5].map { DeliveryToken(PartitionID(rawValue: $0), Offset(rawValue: 70), kind: .group) }
        session.inflight = tokens.enumerated().map {
            InflightDelivery(
                packetID: PacketID(rawValue: UInt16($0) + 1), token: $1.rawValue,
                stage: $0 == 2 ? .awaitingPubcomp : .awaitingPubrec)
        }
        let key = try #require(StateRecord.parse(key: StateRecord.key(.progress, Self.clientID)))
        let value = StateRecord.progress(session).encoded(before)
        let after = Self.streams(["bbb", "new", "aa"])
        guard case .progress(let read)? = StateRecord(key, value.span, after) else {
            throw TestError("the record is not understood")
        }
        // bbb has 2, 3, 4 of before, and aa 0, 1; what is new is read from its beginning.
        #expect(read.positions?.offsets.map(\.rawValue) == [102, 103, 104, 0, 0, 0, 100, 101])
        #expect(read.assuredEnds == [PartitionID(rawValue: 1): Offset(rawValue: 9)])
        let (first, second) = (read.inflight[0], read.inflight[1])
        #expect(DeliveryToken(rawValue: first.token).partition.rawValue == 1)
        #expect(DeliveryToken(rawValue: second.token).partition.rawValue == 6)
        // The record is gone with its stream; that its PUBCOMP is awaited is still so.
        #expect(read.inflight.map(\.packetID.rawValue) == [1, 2, 3])
        #expect(DeliveryToken(rawValue: read.inflight[2].token).kind == .none)
    }

    @Test("records that name partitions by their numbers in the node are understood")
    func numbered() throws {
        var writer = StateWriter()
        // Positions of two partitions, one QoS 2 end, no replays, one delivery, no feeds.
        let token = DeliveryToken(PartitionID(rawValue: 1), Offset(rawValue: 8))
        for number in [1, 2, 7, 8, 1, 1, 9, 0, 1, 5, 0, Int(token.rawValue), 0] { writer.put(number) }
        let key = try #require(StateRecord.parse(key: StateRecord.key(.progress, Self.clientID)))
        let value = writer.finish(version: 1)
        guard case .progress(let read)? = StateRecord(key, value.span, Self.streams(["aa"])) else {
            throw TestError("the record is not understood")
        }
        #expect(read.positions?.offsets.map(\.rawValue) == [7, 8])
        #expect(read.assuredEnds == [PartitionID(rawValue: 1): Offset(rawValue: 9)])
        #expect(read.inflight.map(\.token) == [token.rawValue])
    }

    @Test("no damaged value is more than not understood")
    func damaged() throws {
        var session = StoredSession(expirySeconds: 60)
        session.positions = Positions(base: Positions.Vector([.zero, Offset(rawValue: 1 << 40)]))
        let streams = Self.streams(["aa"])
        let key = try #require(StateRecord.parse(key: StateRecord.key(.progress, Self.clientID)))
        let value = StateRecord.progress(session).encoded(streams)
        for index in value.indices {
            for change in [UInt8(1), 0x40, 0x80, 0xFF] {
                var bytes = value
                bytes[index] ^= change
                _ = StateRecord(key, bytes.span, streams)
                let cut = Array(bytes[..<index])
                _ = StateRecord(key, cut.span, streams)
            }
        }
        #expect(StateRecord(key, value.span, streams) != nil)
    }

    @Test("a key is read back in its parts, and one that is none is refused")
    func keys() {
        let filter = Array("a/b".utf8)
        let key = StateRecord.key(Self.clientID, filter: filter)
        #expect(StateRecord.parse(key: key) == StateRecord.Key(kind: .filter, clientID: Self.clientID, filter: filter))
        for damaged: [UInt8] in [
            [0, 0x66], [0, 0x66, 0, 1, 0x61], [0, 0x66, 0xFF, 0xFF, 0x61, 0x62], [0, 0x66, 0, 0],
        ] {
            #expect(StateRecord.parse(key: damaged) == nil, "\(damaged)")
        }
    }
}

/// What a test did not expect.
private struct TestError: Error {
    let text: String
    init(_ text: String) { self.text = text }
}
