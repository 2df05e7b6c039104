package import SluiceCore

/// A batch of the log as a share group looks at it.
package struct ShareBatch: Equatable, Sendable {
    /// Its offsets.
    package var range: Range<Offset>
    /// Whether members get it; marks of transactions, and records that were given up, they do not.
    package var isDelivered: Bool

    /// A batch from its parts.
    package init(_ range: Range<Offset>, isDelivered: Bool = true) {
        self.range = range
        self.isDelivered = isDelivered
    }
}

/// What a member wants to acquire.
package struct ShareWish: Equatable, Sendable {
    /// Who it is.
    package var member: String
    /// Records that it wants.
    package var recordCountMax: Int
    /// Whether it never gets more; if not, it gets the whole of the batch that brings it there.
    package var isStrict: Bool
    /// Records in one stretch of the answer, as far as batches allow.
    package var batchSize: Int
    /// Until when it has them, in nanoseconds.
    package var deadline: Int64

    /// A wish from its parts.
    package init(member: String, recordCountMax: Int, isStrict: Bool, batchSize: Int, deadline: Int64) {
        self.member = member
        self.recordCountMax = recordCountMax
        self.isStrict = isStrict
        self.batchSize = max(1, batchSize)
        self.deadline = deadline
    }
}

/// Records that a member has got.
package struct ShareAcquisition: Equatable, Sendable {
    /// The records.
    package var range: Range<Offset>
    /// How often they have been delivered, this time included.
    package var deliveryCount: Int16

    /// Records with the number of their deliveries.
    package init(_ range: Range<Offset>, deliveryCount: Int16) {
        self.range = range
        self.deliveryCount = deliveryCount
    }
}

extension SharePartition {
    /// Gives a member what it may have of batches that were read.
    /// - Parameters:
    ///   - batches: what the log has from `offset` on, in its order; where it has nothing there is nothing.
    ///   - offset: where reading began.
    package mutating func acquire(
        _ batches: [ShareBatch], from offset: Offset, for wish: ShareWish
    ) -> [ShareAcquisition] {
        var grant = Grant(wish)
        var place = max(offset, start)
        for batch in batches {
            guard grant.left > 0 else { break }
            let range = max(batch.range.lowerBound, start)..<max(batch.range.upperBound, start)
            guard !range.isEmpty else { continue }
            if range.lowerBound > place { archive(place..<range.lowerBound) }
            place = max(place, range.upperBound)
            grant.beginBatch()
            guard batch.isDelivered else {
                archive(range)
                continue
            }
            for run in available(in: range) { take(run.range, deliveryCount: run.deliveryCount, &grant) }
            let new = max(range.lowerBound, end)..<max(range.upperBound, end)
            guard !new.isEmpty else { continue }
            let room = runs.count < Self.runCountMax ? Self.recordLocksMax - inFlightCount : 0
            guard room > 0, grant.left > 0 || !wish.isStrict else { break }
            take(new.lowerBound..<min(new.upperBound, new.lowerBound.advanced(by: room)), deliveryCount: 0, &grant)
            guard new.count64 <= room else { break }
        }
        moveStart()
        return grant.acquired
    }

    private mutating func take(_ range: Range<Offset>, deliveryCount: Int16, _ grant: inout Grant) {
        var range = range
        if grant.wish.isStrict {
            guard grant.left > 0 else { return }
            range = range.lowerBound..<min(range.upperBound, range.lowerBound.advanced(by: grant.left))
        }
        guard !range.isEmpty else { return }
        give(range, to: grant.wish.member, until: grant.wish.deadline)
        grant.add(range, deliveryCount: deliveryCount + 1)
    }

    /// What a member gets, as it grows.
    private struct Grant {
        let wish: ShareWish
        var left: Int
        var acquired: [ShareAcquisition] = []
        /// Whether what comes next is not to continue what came before.
        private var isCut = false

        init(_ wish: ShareWish) {
            self.wish = wish
            left = wish.recordCountMax
        }

        mutating func beginBatch() {
            isCut = acquired.last.map { $0.range.count64 >= wish.batchSize } ?? false
        }

        mutating func add(_ range: Range<Offset>, deliveryCount: Int16) {
            left -= range.count64
            if let last = acquired.last, !isCut, last.range.upperBound == range.lowerBound,
                last.deliveryCount == deliveryCount
            {
                acquired[acquired.count - 1].range = last.range.lowerBound..<range.upperBound
            } else {
                acquired.append(ShareAcquisition(range, deliveryCount: deliveryCount))
            }
            isCut = false
        }
    }
}
