package import SluiceCore
package import Speaking

/// What failures lead to.
package struct BanSettings: Sendable, Equatable {
    /// How many an address may have.
    package var failureCount: Int
    /// In what time, in nanoseconds.
    package var withinNanoseconds: Int64
    /// For how long it is kept out then, in nanoseconds.
    package var banNanoseconds: Int64
    /// Addresses that are never kept out for their failures.
    package var exempt: [IPNetwork]

    /// Settings from their parts.
    package init(failureCount: Int, withinNanoseconds: Int64, banNanoseconds: Int64, exempt: [IPNetwork]) {
        self.failureCount = failureCount
        self.withinNanoseconds = withinNanoseconds
        self.banNanoseconds = banNanoseconds
        self.exempt = exempt
    }
}

/// What is known of addresses: their connections, how fast they connect, how often they fail, which are kept out.
///
/// Addresses of version 6 are counted by their networks of 64 bits (`IPAddress.site`).
/// Invariants: there is an entry for each address with connections, and at most `idleMax` others; at most `bansMax`
/// bans. Whoever connects from ever new addresses makes it forget, and never grow.
/// Isolation: a value behind its owner's lock. Times are nanoseconds of a clock that never goes back.
package struct AddressBook: Sendable {
    /// Entries without a connection, and bans: 100 bytes each.
    package static let idleMax = 65_536
    /// Networks that are kept out by request: each connection is compared with all of them.
    package static let networkBansMax = 1024

    /// Who keeps addresses out for their failures; nil for nobody.
    package var settings: BanSettings?
    private var places: [Place: Entry] = [:]
    private var connectedPlaceCount = 0
    private var listenerCounts: [String: Int] = [:]
    private var failures: [IPAddress: Failures] = [:]
    private var siteBans: [IPAddress: Ban] = [:]
    private var networkBans: [IPNetwork: Ban] = [:]

    private struct Place: Hashable {
        let site: IPAddress
        let listener: String
    }

    private struct Entry {
        var connectionCount = 0
        var bucket: TokenBucket?
    }

    /// Failures since the first of them.
    private struct Failures {
        var first: Int64
        var count = 0
    }

    private struct Ban {
        var end: Int64?
        var cause: String
        var refusedCount = 0
    }

    /// An empty book.
    package init() {}

    // MARK: Connections

    /// A connection has come.
    /// - Returns: why it is not let in; nil when it is, and `left` follows.
    package mutating func admit(
        _ address: IPAddress?, to listener: String, _ limits: Limits, now: Int64
    ) -> ConnectionRefusal? {
        if let address, let refusal = refusal(of: address, now: now) { return refusal }
        let count = listenerCounts[listener, default: 0]
        guard count < limits.connectionsMax else {
            return Self.tooMany("connections", limits.connectionsMax, "of listener \(listener)")
        }
        if let address {
            let place = Place(site: address.site, listener: listener)
            var entry = places[place] ?? Entry()
            if let refusal = Self.refusal(of: &entry, place.site, limits, now: now) {
                places[place] = entry
                boundPlaces(now: now)
                return refusal
            }
            if entry.connectionCount == 0 { connectedPlaceCount += 1 }
            entry.connectionCount += 1
            places[place] = entry
            boundPlaces(now: now)
        }
        listenerCounts[listener] = count + 1
        return nil
    }

    /// A connection that was let in is gone.
    package mutating func left(_ address: IPAddress?, _ listener: String) {
        listenerCounts[listener, default: 1] -= 1
        guard let place = address.map({ Place(site: $0.site, listener: listener) }), var entry = places[place] else {
            return
        }
        assert(entry.connectionCount > 0, "no connection leaves twice")
        entry.connectionCount -= 1
        if entry.connectionCount == 0 { connectedPlaceCount -= 1 }
        places[place] = entry.connectionCount == 0 && entry.bucket == nil ? nil : entry
    }

    private static func refusal(
        of entry: inout Entry, _ site: IPAddress, _ limits: Limits, now: Int64
    ) -> ConnectionRefusal? {
        if let rate = limits.connectRate {
            var bucket = entry.bucket ?? TokenBucket(rate)
            // The rate may be another one since a reload.
            if bucket.rate != rate { bucket = TokenBucket(rate) }
            let isTaken = bucket.take(at: now)
            entry.bucket = bucket
            guard isTaken else {
                return ConnectionRefusal(
                    .tooFast, "'limits: connect_rate' is \(rate), and \(site) connects faster")
            }
        } else {
            entry.bucket = nil
        }
        guard let most = limits.addressConnectionsMax, entry.connectionCount >= most else { return nil }
        return tooMany("connections_per_address", most, "of \(site)")
    }

    private static func tooMany(_ setting: String, _ most: Int, _ whose: String) -> ConnectionRefusal {
        ConnectionRefusal(.tooMany, "'limits: \(setting)' is \(most), and as many \(whose) are open")
    }

    private mutating func boundPlaces(now: Int64) {
        guard places.count - connectedPlaceCount > Self.idleMax else { return }
        places = places.filter { $0.value.connectionCount > 0 || $0.value.bucket?.isFull(at: now) == false }
        var excess = places.count - connectedPlaceCount - Self.idleMax * 7 / 8
        guard excess > 0 else { return }
        places = places.filter { place in
            guard place.value.connectionCount == 0, excess > 0 else { return true }
            excess -= 1
            return false
        }
    }

    // MARK: Failures and bans

    /// An address has failed.
    /// - Returns: why it is kept out from now on; nil when it is not, or was before.
    package mutating func failed(_ address: IPAddress, now: Int64) -> String? {
        guard let settings, !settings.exempt.contains(where: { $0.contains(address) }) else { return nil }
        let site = address.site
        let isOver = { (found: Failures) in now - found.first >= settings.withinNanoseconds }
        var found = failures[site] ?? Failures(first: now)
        if isOver(found) { found = Failures(first: now) }
        found.count += 1
        guard found.count < settings.failureCount else {
            failures[site] = nil
            guard siteBans[site] == nil else { return nil }
            let seconds = settings.withinNanoseconds / 1_000_000_000
            let cause = "\(settings.failureCount) failures within \(seconds) s ('bans: failures')"
            siteBans[site] = Ban(end: now + settings.banNanoseconds, cause: cause)
            Self.bound(&siteBans, now: now) { $0.end.map { $0 <= now } ?? false }
            return cause
        }
        failures[site] = found
        Self.bound(&failures, now: now, isOver)
        return nil
    }

    private static func bound<Value>(
        _ table: inout [IPAddress: Value], now: Int64, _ isOver: (Value) -> Bool
    ) {
        guard table.count > idleMax else { return }
        table = table.filter { !isOver($0.value) }
        var excess = table.count - idleMax * 7 / 8
        guard excess > 0 else { return }
        table = table.filter { _ in
            excess -= 1
            return excess < 0
        }
    }

    /// Whether some addresses are kept out.
    package var hasBans: Bool { !siteBans.isEmpty || !networkBans.isEmpty }

    /// Why an address is kept out; nil when it is not.
    package mutating func refusal(of address: IPAddress, now: Int64) -> ConnectionRefusal? {
        if siteBans.isEmpty, networkBans.isEmpty { return nil }
        if let cause = Self.look(address.site, in: &siteBans, now: now) {
            return ConnectionRefusal(.banned, "its address is banned: \(cause)")
        }
        for network in networkBans.keys where network.contains(address) {
            if let cause = Self.look(network, in: &networkBans, now: now) {
                return ConnectionRefusal(.banned, "its address is banned: \(cause)")
            }
        }
        return nil
    }

    private static func look<Key>(_ key: Key, in bans: inout [Key: Ban], now: Int64) -> String? {
        guard var ban = bans[key] else { return nil }
        if let end = ban.end, end <= now {
            bans[key] = nil
            return nil
        }
        ban.refusedCount += 1
        bans[key] = ban
        return ban.cause
    }

    /// The bans that are in force, those that end first in front.
    package func bans(now: Int64) -> [AddressBan] {
        let sites = siteBans.map { (Self.network(of: $0.key), $0.value) }
        return (sites + networkBans.map { ($0.key, $0.value) }).compactMap { network, ban in
            if let end = ban.end, end <= now { return nil }
            return AddressBan(
                network: network, nanosecondsLeft: ban.end.map { $0 - now }, cause: ban.cause,
                refusedCount: ban.refusedCount)
        }.sorted {
            ($0.nanosecondsLeft ?? .max, $0.network.description) < ($1.nanosecondsLeft ?? .max, $1.network.description)
        }
    }

    /// Keeps addresses out; a ban that is there already is replaced.
    /// - Returns: false when there is no room for more.
    package mutating func ban(_ network: IPNetwork, for nanoseconds: Int64?, now: Int64) -> Bool {
        networkBans = networkBans.filter { $0.value.end.map { $0 > now } ?? true }
        guard networkBans[network] != nil || networkBans.count < Self.networkBansMax else { return false }
        networkBans[network] = Ban(
            end: nanoseconds.map { now.addingReportingOverflow($0).overflow ? .max : now + $0 }, cause: "by request")
        return true
    }

    /// Lets addresses in again: a network as it was banned, or an address whose site is.
    /// - Returns: whether they were kept out.
    package mutating func unban(_ network: IPNetwork) -> Bool {
        let wasBanned = networkBans.removeValue(forKey: network) != nil
        let sites = siteBans.keys.filter { Self.network(of: $0) == network || network == IPNetwork($0) }
        let isSite = siteBans.removeValue(forKey: network.address.site) != nil
        for site in sites { siteBans[site] = nil }
        return wasBanned || isSite || !sites.isEmpty
    }

    /// How many addresses it knows something of; for tests of its bounds.
    package var entryCount: Int { places.count + failures.count + siteBans.count + networkBans.count }

    private static func network(of site: IPAddress) -> IPNetwork { IPNetwork(site: site) }
}
