/// The subscriptions of one filter, each identity once.
///
/// A fleet may share one filter, so beyond a few entries positions are indexed: 100,000 disconnects stay linear
/// together.
@usableFromInline
struct SubscriptionList<Subscription: Identifiable> {
    @usableFromInline private(set) var subscriptions: [Subscription] = []
    /// Where each identity is, once there are more than `scanMax`.
    private var positions: [Subscription.ID: Int]?

    /// Up to here a scan is faster than a dictionary.
    private static var scanMax: Int { 16 }

    mutating func insert(_ subscription: Subscription) -> Subscription? {
        if let position = position(of: subscription.id) {
            let old = subscriptions[position]
            subscriptions[position] = subscription
            return old
        }
        subscriptions.append(subscription)
        if positions != nil {
            positions?[subscription.id] = subscriptions.count - 1
        } else if subscriptions.count > Self.scanMax {
            var index: [Subscription.ID: Int] = [:]
            for (position, entry) in subscriptions.enumerated() { index[entry.id] = position }
            positions = index
        }
        return nil
    }

    mutating func remove(id: Subscription.ID) -> Subscription? {
        guard let position = position(of: id) else { return nil }
        let removed = subscriptions[position]
        let last = subscriptions.removeLast()
        positions?[id] = nil
        if position < subscriptions.count {
            subscriptions[position] = last
            positions?[last.id] = position
        }
        if subscriptions.isEmpty { positions = nil }
        return removed
    }

    private func position(of id: Subscription.ID) -> Int? {
        if let positions { return positions[id] }
        return subscriptions.firstIndex { $0.id == id }
    }
}
