import Administration
import GroupCoordination
import LogInterface
import SluiceCore

/// Requests to make, change and delete streams.
extension BrokerShard {
    /// Makes or changes a stream; the answer comes when the log has done it.
    func change(_ name: String, isNew: Bool, _ order: StreamOrder, for place: ReplyPlace) {
        if let fault = faultOfChange(name) { return respond(.failed(fault), to: place) }
        followStreams()
        let former = streams.stream(named: name)?.settings
        if !isNew, former == nil { return respond(.unknown, to: place) }
        var settings = isNew ? StreamSettings(name: name) : former ?? StreamSettings(name: name)
        if let count = order.partitionCount { settings.partitionCount = count }
        if let durability = order.durability.flatMap(Durability.init(rawValue:)) { settings.durability = durability }
        if let cleanup = order.cleanup.flatMap(CleanupPolicy.init(rawValue:)) { settings.policy.cleanup = cleanup }
        if let time = order.retentionMilliseconds { settings.policy.retentionMilliseconds = time < 0 ? nil : time }
        if let bytes = order.retentionBytes { settings.policy.retentionBytesMax = bytes < 0 ? nil : bytes }
        guard !isNew else { return administer(.create(settings), for: place) }
        var change = StreamAlteration()
        change.partitionCount = settings.partitionCount
        change.durability = settings.durability
        change.policy = settings.policy
        administer(.alter(name, change), for: place)
    }

    /// Deletes a stream, and what groups have committed in it.
    func deleteStream(_ name: String, for place: ReplyPlace) {
        if let fault = faultOfChange(name) { return respond(.failed(fault), to: place) }
        administer(.delete(name), for: place)
    }

    /// Why a stream cannot be changed by a request; nil when it can.
    private func faultOfChange(_ name: String) -> String? {
        guard settings.declaredStreams.contains(name) else { return nil }
        return "stream '\(name)' is declared in the configuration, which would take the change back at the next start: "
            + "change it there"
    }

    private func administer(_ request: StreamRequest, for place: ReplyPlace) {
        requests.streams.lastNumber += 1
        requests.streams.places[requests.streams.lastNumber] = (place, request)
        log.administer(request, number: requests.streams.lastNumber, for: loop)
    }

    /// Answers what the log has done.
    func takeAdministered() {
        guard !requests.streams.places.isEmpty else { return }
        for (number, result) in log.takeAdministered(loop) {
            guard let (place, request) = requests.streams.places.removeValue(forKey: number) else { continue }
            switch result {
            case .failure(let fault): respond(.failed(fault.words(for: request.name)), to: place)
            case .success:
                if case .delete(let name) = request {
                    // A stream that is made under the name is another one.
                    for record in peers.withOffsets({ $0.remove(stream: name) }) { append(record) }
                }
                respond(.done(true), to: place)
            }
        }
    }
}

/// Requests about streams that the log has not answered, by their numbers.
struct StreamOrders {
    var lastNumber: UInt64 = 0
    var places: [UInt64: (place: BrokerShard.ReplyPlace, request: StreamRequest)] = [:]
}

extension StreamFault {
    /// It in words, of a stream of this name.
    package func words(for name: String) -> String {
        switch self {
        case .exists: "there is a stream '\(name)' already"
        case .unknown: "unknown"
        case .invalidName: "'\(name)' is no name of a stream: letters, digits, '.', '_' and '-', at most 249"
        case .invalidCount: "a stream has a partition at least, and never fewer than before"
        case .isInternal: "names that begin with '__' are the broker's own"
        case .partitionLimit(let count): "a node has \(count) partitions at most, deleted ones counted"
        case .isBeingDeleted: "what a deleted stream '\(name)' has left is still being removed; try again in a while"
        case .storage(let reason): "the change cannot be stored: \(reason)"
        }
    }
}
