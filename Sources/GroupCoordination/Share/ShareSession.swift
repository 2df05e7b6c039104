package import SluiceCore

/// Who a share session belongs to.
package struct ShareSessionID: Hashable, Sendable {
    /// The group.
    package var group: String
    /// What the member calls itself.
    package var member: String

    /// An identifier from its parts.
    package init(group: String, member: String) {
        self.group = group
        self.member = member
    }
}

/// The connection that a share session ends with.
package struct ShareLink: Hashable, Sendable {
    /// The loop.
    package var shard: Int
    /// Its number of the connection.
    package var number: UInt64

    /// A link from its parts.
    package init(shard: Int, number: UInt64) {
        self.shard = shard
        self.number = number
    }
}

/// What a member of a share group reads, so that it need not say it again with each request.
///
/// Source: KIP-932.
struct ShareSession: Sendable {
    /// The connection that has opened it.
    let link: ShareLink
    /// The number that the next request is to have.
    var epoch: Int32 = 1
    /// What is read, in the order in which it was asked for.
    var places: [SharePlace] = []
    /// How many answers there were: with which of its partitions the next one begins.
    var turn = 0

    /// Sessions of a node: Kafka's `group.share.max.share.sessions`.
    static let countMax = 2000
    /// Partitions of a session.
    static let placeCountMax = 10_000

    /// Bytes that it takes with its name.
    func byteCount(_ id: ShareSessionID) -> Int {
        256 + id.group.utf8.count + id.member.utf8.count + places.count * MemoryLayout<SharePlace>.stride
    }
}

/// Why a request comes to nothing as part of a share session.
package enum ShareSessionFault: Error, Equatable, Sendable {
    /// There is none (SHARE_SESSION_NOT_FOUND).
    case unknown
    /// It is at another epoch (INVALID_SHARE_SESSION_EPOCH).
    case wrongEpoch
    /// There are as many as may be (SHARE_SESSION_LIMIT_REACHED).
    case tooMany
}

/// Sessions of share groups' members.
extension ShareTable {
    /// A request is the next one of its session, opens it (epoch 0), or is its last one (-1).
    /// - Parameters:
    ///   - added: partitions that it reads from now on.
    ///   - forgotten: those that it reads no longer.
    /// - Returns: what it reads now, those first whose turn it is.
    package mutating func course(
        _ id: ShareSessionID, epoch: Int32, adding added: [SharePlace], forgetting forgotten: Set<SharePlace>,
        link: ShareLink
    ) throws(ShareSessionFault) -> [SharePlace] {
        var session: ShareSession
        if epoch == 0 {
            guard sessions[id] != nil || sessions.count < ShareSession.countMax else { throw .tooMany }
            session = ShareSession(link: link)
        } else {
            guard let known = sessions[id] else { throw .unknown }
            guard epoch == -1 || epoch == known.epoch else { throw .wrongEpoch }
            session = known
            session.epoch = session.epoch == .max ? 1 : session.epoch + 1
        }
        if !added.isEmpty {
            var known = Set(session.places)
            for place in added where known.insert(place).inserted { session.places.append(place) }
        }
        if !forgotten.isEmpty { session.places.removeAll { forgotten.contains($0) } }
        guard session.places.count <= ShareSession.placeCountMax else { throw .tooMany }
        session.turn = session.places.isEmpty ? 0 : (session.turn + 1) % session.places.count
        byteCount += session.byteCount(id) - (sessions[id]?.byteCount(id) ?? 0)
        sessions[id] = session
        return Array(session.places[session.turn...] + session.places[..<session.turn])
    }

    /// A session ends, and what its member has others may get.
    /// - Parameter link: the connection that is gone; nil when the member has said that it is done.
    /// - Returns: the records to append.
    package mutating func close(_ id: ShareSessionID, link: ShareLink?, now: Timestamp) -> [ShareStateRecord] {
        // A member that came back by another connection goes on.
        guard let session = sessions[id], link == nil || session.link == link else { return [] }
        sessions[id] = nil
        byteCount -= session.byteCount(id)
        return release(id.group, by: id.member, now: now)
    }

    /// How many sessions there are.
    package var sessionCount: Int { sessions.count }

    /// A group is gone with the sessions of its members.
    package mutating func closeSessions(of group: String) {
        for (id, session) in sessions where id.group == group {
            sessions[id] = nil
            byteCount -= session.byteCount(id)
        }
    }
}
