import GroupCoordination
import KafkaWire

/// Requests that wait for a group's coordinator, by the numbers that it knows them by.
///
/// Isolation: its loop's.
struct GroupCalls {
    private var lastNumber: UInt64 = 0
    private var calls: [UInt64: (call: KafkaCall, group: String)] = [:]

    /// A number for a request that waits.
    mutating func add(_ call: KafkaCall, _ group: String) -> UInt64 {
        lastNumber += 1
        calls[lastNumber] = (call, group)
        return lastNumber
    }

    /// The request of a number waits no longer.
    mutating func take(_ number: UInt64) -> KafkaCall? { calls.removeValue(forKey: number)?.call }

    /// Takes the requests of a connection that is gone.
    mutating func take(of connection: KafkaConnection) -> [(number: UInt64, group: String)] {
        let gone = calls.filter { $0.value.call.connection === connection }
        for number in gone.keys { calls[number] = nil }
        return gone.map { ($0.key, $0.value.group) }
    }
}

extension GroupFault {
    /// Kafka's code.
    var code: KafkaErrorCode {
        switch self {
        case .invalidName: .invalidGroupID
        case .unknownMember: .unknownMemberID
        case .illegalGeneration: .illegalGeneration
        case .inconsistentProtocol: .inconsistentGroupProtocol
        case .rebalanceInProgress: .rebalanceInProgress
        case .memberIDRequired: .memberIDRequired
        case .fencedInstance: .fencedInstanceID
        case .full: .groupMaxSizeReached
        case .invalidSessionTimeout: .invalidSessionTimeout
        case .fencedMemberEpoch: .fencedMemberEpoch
        case .staleMemberEpoch: .staleMemberEpoch
        case .unreleasedInstance: .unreleasedInstanceID
        case .otherKind: .groupIDNotFound
        }
    }
}
