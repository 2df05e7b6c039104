import AccessControl
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Who may use which transactional identifier")
struct TransactionAccessTests {
    private static let users = """
        user ada
        topic #
        topic $sluice/#
        user bob
        topic $stream/t
        topic read $share/g
        user eve
        topic $stream/t
        topic read $share/g

        """
    private let desk: KafkaDesk
    private let kafka: TestKafka

    init() throws {
        desk = try KafkaDesk(Self.users + "topic read $transaction/audit\nuser bob\ntopic write $transaction/pay\n")
        kafka = TestKafka([TestKafka.stream("t"), TestKafka.stream("u")], access: desk)
    }

    private func known(_ user: String) throws -> TestConnection { try desk.known(user, of: kafka) }

    private func begin(_ client: TestConnection, _ name: String) throws -> InitProducerIDResponse {
        try client.ask(InitProducerIDRequest(transactionalID: name, transactionTimeoutMs: 60_000), 4)
    }

    /// What each request of a transaction is answered.
    private func codes(
        _ client: TestConnection, _ name: String, _ id: Int64, _ epoch: Int16
    ) throws -> [String: KafkaErrorCode?] {
        let added: AddPartitionsToTxnResponse = try client.ask(
            AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: name, v3AndBelowProducerID: id, v3AndBelowProducerEpoch: epoch,
                v3AndBelowTopics: [.init(name: "t", partitions: [0])]), 3)
        let batch = TestBatch.bytes(
            [.init(value: "x")], producer: id, epoch: epoch, sequence: 0, isTransactional: true)
        let produced: ProduceResponse = try client.ask(
            TestConnection.production(batch, to: "t", transactionalID: name), 9)
        let offsets: AddOffsetsToTxnResponse = try client.ask(
            AddOffsetsToTxnRequest(transactionalID: name, producerID: id, producerEpoch: epoch, groupID: "g"), 3)
        let part = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition(
            partitionIndex: 0, committedOffset: 0, committedMetadata: "")
        let committed: TxnOffsetCommitResponse = try client.ask(
            TxnOffsetCommitRequest(
                transactionalID: name, groupID: "g", producerID: id, producerEpoch: epoch,
                topics: [.init(name: "t", partitions: [part])]), 3)
        let ended: EndTxnResponse = try client.ask(
            EndTxnRequest(transactionalID: name, producerID: id, producerEpoch: epoch, committed: true), 3)
        return [
            "add": added.resultsByTopicV3AndBelow.first?.resultsByPartition.first?.partitionErrorCode,
            "produce": produced.responses.first?.partitionResponses.first?.errorCode,
            "offsets": offsets.errorCode, "commit": committed.topics.first?.partitions.first?.errorCode,
            "end": ended.errorCode,
        ]
    }

    private func coordinator(_ client: TestConnection, _ name: String) throws -> KafkaErrorCode? {
        let found: FindCoordinatorResponse = try client.ask(
            FindCoordinatorRequest(keyType: 1, coordinatorKeys: [name]), 4)
        return found.coordinators.first?.errorCode
    }

    private func listed(_ client: TestConnection) throws -> [String] {
        let listed: ListTransactionsResponse = try client.ask(ListTransactionsRequest(), 1)
        return listed.transactionStates.map(\.transactionalID)
    }

    @Test("Who has the right goes through a whole transaction")
    func allowed() throws {
        let bob = try known("bob")
        #expect(try coordinator(bob, "pay") == KafkaErrorCode.none)
        let begun = try begin(bob, "pay")
        #expect(begun.errorCode == .none)
        for (request, code) in try codes(bob, "pay", begun.producerID, begun.producerEpoch) {
            #expect(code == KafkaErrorCode.none, "\(request)")
        }
        let all = try begin(try known("ada"), "whatever")
        #expect(all.errorCode == .none, "who may publish everything")
    }

    @Test("Who has not is refused by every request with 53, and the log names what decided, once")
    func refused() throws {
        let bob = try known("bob")
        let begun = try begin(bob, "pay")
        let eve = try known("eve")
        _ = kafka.takeLines()
        #expect(try coordinator(eve, "pay") == .transactionalIDAuthorizationFailed)
        let refused = try begin(eve, "pay")
        #expect(refused.errorCode == .transactionalIDAuthorizationFailed && refused.producerID == -1)
        for (request, code) in try codes(eve, "pay", begun.producerID, begun.producerEpoch) {
            #expect(code == .transactionalIDAuthorizationFailed, "\(request)")
        }
        let lines = kafka.takeLines().filter { $0.contains("may not use the transactional identifier 'pay'") }
        #expect(
            lines.count == 1
                && lines.first?.hasSuffix("user eve may not use the transactional identifier 'pay': no rule allows it")
                    == true
        )
        for (request, code) in try codes(bob, "pay", begun.producerID, begun.producerEpoch) {
            #expect(code == KafkaErrorCode.none, "\(request): what eve did has no effect")
        }
    }

    @Test("A batch is judged by whose producer's number it has, whatever identifier its request names")
    func borrowedNumber() throws {
        desk.rules = try KafkaDesk.rules(
            Self.users + "topic write $transaction/own\nuser bob\ntopic write $transaction/pay\n")
        let begun = try begin(try known("bob"), "pay")
        let eve = try known("eve")
        #expect(try begin(eve, "own").errorCode == .none)
        for name in ["own", "pay", nil] {
            let batch = TestBatch.bytes(
                [.init(value: "x")], producer: begun.producerID, epoch: begun.producerEpoch, sequence: 0,
                isTransactional: true)
            let produced: ProduceResponse = try eve.ask(
                TestConnection.production(batch, to: "t", transactionalID: name), 12)
            let part = try #require(produced.responses.first?.partitionResponses.first)
            #expect(part.errorCode == .transactionalIDAuthorizationFailed)
            #expect(part.errorMessage == "Not authorized to use the producer's transactional identifier.")
        }
    }

    @Test("A denial names its line")
    func denied() throws {
        desk.rules = try KafkaDesk.rules(Self.users + "topic deny $transaction/pay\n")
        let eve = try known("eve")
        _ = kafka.takeLines()
        #expect(try begin(eve, "pay").errorCode == .transactionalIDAuthorizationFailed)
        #expect(try begin(eve, "other").errorCode == .none, "no rule gives any to anybody")
        #expect(kafka.takeLines().contains { $0.hasSuffix("'pay': acl:10: topic deny $transaction/pay") })
    }

    @Test("Rules from before there were such rights let everybody use every identifier, and nobody see others'")
    func upgrade() throws {
        desk.rules = try KafkaDesk.rules(Self.users)
        let eve = try known("eve")
        let begun = try begin(eve, "pay")
        #expect(begun.errorCode == .none)
        #expect(try coordinator(eve, "pay") == KafkaErrorCode.none)
        for (request, code) in try codes(eve, "pay", begun.producerID, begun.producerEpoch) {
            #expect(code == KafkaErrorCode.none, "\(request)")
        }
        #expect(try listed(eve) == [])
        #expect(try listed(try known("ada")) == ["pay"])
    }

    @Test("Transactions are listed and described for whom a rule lets use or see them, and who administers")
    func listedTransactions() throws {
        let ada = try known("ada")
        let bob = try known("bob")
        let eve = try known("eve")
        for name in ["audit", "pay", "other"] { #expect(try begin(ada, name).errorCode == .none) }
        _ = kafka.takeLines()
        #expect(try listed(ada) == ["audit", "other", "pay"])
        #expect(try listed(bob) == ["pay"])
        #expect(try listed(eve) == ["audit"])
        #expect(kafka.takeLines() == [], "a list is nobody's fault")
        func described(_ client: TestConnection) throws -> [Int16] {
            let response: DescribeTransactionsResponse = try client.ask(
                DescribeTransactionsRequest(transactionalIDs: ["audit", "pay", "none"]), 0)
            return response.transactionStates.map(\.errorCode.rawValue)
        }
        #expect(try described(ada) == [0, 0, 105])
        #expect(try described(bob) == [53, 0, 53])
        #expect(try described(eve) == [0, 53, 53])
        #expect(kafka.takeLines().contains { $0.contains("eve may not see the transactional identifier 'pay'") })
    }

    @Test("The topics of a transaction are named to who may do something with them")
    func describedTopics() throws {
        let ada = try known("ada")
        let begun = try begin(ada, "pay")
        let added: AddPartitionsToTxnResponse = try ada.ask(
            AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: "pay", v3AndBelowProducerID: begun.producerID,
                v3AndBelowProducerEpoch: begun.producerEpoch,
                v3AndBelowTopics: ["t", "u"].map { .init(name: $0, partitions: [0]) }), 3)
        #expect(added.resultsByTopicV3AndBelow.count == 2)
        func topics(_ client: TestConnection) throws -> [String] {
            let response: DescribeTransactionsResponse = try client.ask(
                DescribeTransactionsRequest(transactionalIDs: ["pay"]), 0)
            return response.transactionStates.flatMap { $0.topics.map(\.topic) }
        }
        #expect(try topics(ada) == ["t", "u"])
        #expect(try topics(try known("bob")) == ["t"])
    }

    @Test("Who loses the right is refused from then on")
    func changes() throws {
        let bob = try known("bob")
        let begun = try begin(bob, "pay")
        #expect(begun.errorCode == .none)
        desk.rules = try KafkaDesk.rules(Self.users + "topic write $transaction/pay\n")
        kafka.shard.received(.accessChanged)
        let ended: EndTxnResponse = try bob.ask(
            EndTxnRequest(
                transactionalID: "pay", producerID: begun.producerID, producerEpoch: begun.producerEpoch,
                committed: false), 5)
        #expect(ended.errorCode == .transactionalIDAuthorizationFailed)
    }

    @Test("Rules are not changed by clients, those of transactional identifiers like all others")
    func accessLists() throws {
        let ada = try known("ada")
        for kind in [Int8(2), 3, 4, 5] {
            let described: DescribeAclsResponse = try ada.ask(
                DescribeAclsRequest(
                    resourceTypeFilter: kind, resourceNameFilter: "pay", operation: 4, permissionType: 3),
                3)
            #expect(described.errorCode == .securityDisabled)
        }
        let created: CreateAclsResponse = try ada.ask(
            CreateAclsRequest(creations: [
                .init(
                    resourceType: 5, resourceName: "pay", principal: "User:eve", host: "*", operation: 4,
                    permissionType: 3)
            ]), 3)
        #expect(created.results.map(\.errorCode) == [.securityDisabled])
    }
}
