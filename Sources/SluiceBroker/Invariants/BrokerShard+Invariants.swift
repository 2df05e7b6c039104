import MQTTSession
import SluiceCore

/// What the parts of a shard know of each other, looked at as a whole.
extension BrokerShard {
    /// With more clients a look at all of them would take longer than the tick that it ends.
    private static let checkedClientsMax = 64

    /// Looks at everything that must agree between two calls; for `assert`, at the end of a tick, and for tests.
    /// - Returns: true; whatever does not agree traps where it is looked at.
    func holdsInvariants() -> Bool {
        guard clients.count <= Self.checkedClientsMax else { return true }
        assert(settlements.isEmpty && tailEntries.isEmpty, "what the log has handed over was worked through")
        assert(clients.isSound)
        assert(members.isSound)
        assert(subscriptions.isSound)
        assert(readers.isSound)
        var heldByteCount = 0
        for client in clients.all {
            heldByteCount += client.heldByteCount
            check(client)
        }
        for group in shareGroups.all {
            assert(group.isSound)
            if let reader = group.subscription?.reader {
                assert(reader.isSound)
                heldByteCount += reader.accountedByteCount
            }
        }
        assert(heldByteCount <= memory.heldByteCount, "what everybody holds is in the account")
        return true
    }

    private func check(_ client: Client) {
        assert(client.deferredByteCount >= 0 && client.heldByteCount >= 0)
        assert(
            client.isOpened == client.session.isOpen || client.isClosing, "a session is open for both or for neither")
        assert(client.isOpened || client.subscriptions.isEmpty, "who is not let in subscribes to nothing")
        assert(Set(client.subscriptions.map(\.filter)).count == client.subscriptions.count, "a filter is there once")
        assert(client.subscriptions.allSatisfy { $0.client === client })
        assert(Set(client.shares.map(\.key)).count == client.shares.count, "a client is a group's member once")
        assert(Set(client.memberships.map(\.key)).count == client.memberships.count)
        let groupCount = client.groupInFlight.values.reduce(0) { $0 + $1.count }
        let sharedCount = client.sharedInFlight.values.reduce(0) { $0 + $1.count }
        assert(groupCount + sharedCount <= client.session.inflightCount, "what groups have handed out is in flight")
        for reader in client.sideReaders {
            assert(!reader.isClosed && reader.client === client, "a reader that is over is let go of")
            assert(reader.isSound)
        }
        guard let reader = client.liveReader else { return }
        assert(reader.isSound && (!reader.hasQuick || reader.quick.isSound))
    }
}

extension ClientTable {
    /// Whether its lists agree.
    var isSound: Bool {
        assert(all.allSatisfy { !$0.isClosing }, "who closes goes at once")
        assert(lostWaiters.keys.allSatisfy { self[$0] == nil }, "who has lost its connection is no client")
        assert(unsettled.values.allSatisfy { $0.hasClaim && $0.unsettledReceiptCount > 0 }, "it waits for something")
        assert(dirty.allSatisfy(\.isDirty), "who is on the list knows it")
        return Set(dirty.map(\.number)).count == dirty.count
    }
}

extension MemberSet {
    /// Whether each membership on the list knows that it is, and so is there once.
    var isSound: Bool { dirty.allSatisfy(\.isDirty) && Set(dirty.map(ObjectIdentifier.init)).count == dirty.count }
}

extension ReaderSet {
    /// Whether readers are on the lists that they say.
    var isSound: Bool {
        assert(queued.allSatisfy(\.isQueued), "who is on the list knows it")
        assert(starved.allSatisfy(\.isStarved), "who is on the list knows it")
        return Set(queued.map(ObjectIdentifier.init)).count == queued.count
    }
}

extension Reader {
    /// Whether its cursors, where it lags and what it holds agree.
    var isSound: Bool {
        assert(cursors.allSatisfy { lags($0.partition) }, "it lags where it has a cursor")
        return cursors.reduce(0) { $0 + $1.place.heldByteCount } == heldByteCount
    }
}

extension ShareGroup {
    /// Whether each record is in one place, and each member has what the group says.
    var isSound: Bool {
        assert(returned.allSatisfy { pending[$0.token] == nil }, "what came back is in nobody's hands")
        assert(
            zip(returned, returned.dropFirst()).allSatisfy { $0.token.rawValue < $1.token.rawValue },
            "what came back is in the order of the log")
        assert(subscription == nil || members.isEmpty == (emptySince != nil), "a group knows since when it is nobody's")
        for member in members {
            let count = pending.values.count { $0.member == member.owner }
            assert(count == member.outstandingCount, "a member has what the group says")
        }
        return members.indices.allSatisfy { index in
            !members[..<index].contains { $0.owner == members[index].owner }
        }
    }
}

extension SubscriptionTable {
    /// Whether its counts agree with what is in it.
    var isSound: Bool {
        assert(counts.allSatisfy { $0 >= 0 })
        return counts[0] + counts[1] == count
    }
}
