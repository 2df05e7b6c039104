/// The subscriptions of one filter, each identity once.
///
/// Layout: most filters of many have one subscription, which lies in the list itself. A fleet may share one filter, so
/// beyond a few entries positions are indexed: 100,000 disconnects stay linear together.
/// Invariants: one subscription is in `only`, more are in `others`; never both.
@usableFromInline
struct SubscriptionList<Subscription: Identifiable> {
    @usableFromInline private(set) var only: Subscription?
    @usableFromInline private(set) var others: [Subscription] = []
    /// Where each identity is in `others`, once there are more than `scanMax`.
    private var positions: [Subscription.ID: Int]?

    /// Up to here a scan is faster than a dictionary.
    private static var scanMax: Int { 16 }

    var isEmpty: Bool { only == nil && others.isEmpty }

    mutating func insert(_ subscription: Subscription) -> Subscription? {
        if let present = only {
            if present.id == subscription.id {
                only = subscription
                return present
            }
            only = nil
            others = [present, subscription]
            return nil
        }
        if others.isEmpty {
            only = subscription
            return nil
        }
        if let position = position(of: subscription.id) {
            let old = others[position]
            others[position] = subscription
            return old
        }
        append(subscription)
        return nil
    }

    private mutating func append(_ subscription: Subscription) {
        others.append(subscription)
        if positions != nil {
            positions?[subscription.id] = others.count - 1
        } else if others.count > Self.scanMax {
            var index: [Subscription.ID: Int] = [:]
            for (position, entry) in others.enumerated() { index[entry.id] = position }
            positions = index
        }
    }

    mutating func remove(id: Subscription.ID) -> Subscription? {
        if let present = only {
            guard present.id == id else { return nil }
            only = nil
            return present
        }
        guard let position = position(of: id) else { return nil }
        let removed = others[position]
        let last = others.removeLast()
        positions?[id] = nil
        if position < others.count {
            others[position] = last
            positions?[last.id] = position
        }
        if others.count == 1 {
            only = others[0]
            others = []
            positions = nil
        }
        return removed
    }

    @inlinable
    func forEach(_ visit: (Subscription) -> Void) {
        if let only { return visit(only) }
        for subscription in others { visit(subscription) }
    }

    private func position(of id: Subscription.ID) -> Int? {
        if let positions { return positions[id] }
        return others.firstIndex { $0.id == id }
    }
}
