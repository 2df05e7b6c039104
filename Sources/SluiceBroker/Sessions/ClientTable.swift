import SluiceCore

/// The clients of one shard by their numbers, and which of them have output.
///
/// Invariants: a number is given once; a client is on the list of those with output once at most.
/// Isolation: one shard's.
struct ClientTable: ~Copyable {
    private var clients: [UInt64: Client] = [:]
    /// Who of them is watched.
    var traces = TraceBook()
    private var nextNumber: UInt64 = 1
    private(set) var dirty: [Client] = []
    /// Clients that are gone, with QoS 2 messages whose append has not settled.
    private(set) var unsettled: [UInt64: Client] = [:]
    /// Connections that were lost while they waited for an identifier, and whose turn is still to come.
    private(set) var lostWaiters: [UInt64: Client] = [:]
    /// Identifiers whose clients are gone, until what there is to say of them is in the log.
    private var left: [(clientID: [UInt8], owner: ClientOwner)] = []
    /// Clients that had deliveries of groups in flight when the node began to stop.
    private var draining: [Client] = []

    /// How many there are.
    var count: Int { clients.count }

    /// Every client, in no order.
    var all: Dictionary<UInt64, Client>.Values { clients.values }

    /// The client of a number; nil when it is gone.
    subscript(number: UInt64) -> Client? { clients[number] }

    /// A number for the next client.
    mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Adds a client.
    mutating func add(_ client: Client) {
        let former = clients.updateValue(client, forKey: client.number)
        precondition(former == nil, "Cannot give a number twice")
    }

    /// Takes a client out.
    /// - Returns: whether it was there.
    mutating func remove(_ client: Client) -> Bool {
        let removed = clients.removeValue(forKey: client.number)
        assert(removed == nil || removed === client, "a number is that of one client")
        return removed != nil
    }

    // MARK: Waiting for identifiers

    /// Keeps a connection that was lost in its place among those that wait for its identifier.
    mutating func keep(lostWaiter client: Client) {
        precondition(clients[client.number] == nil, "Cannot keep a client that is there")
        assert(client.hasClaim && client.awaitsIdentifier, "only who stands in the row keeps a place in it")
        assert(client.isClosing)
        lostWaiters[client.number] = client
    }

    /// The connection of a number that was lost while it waited.
    func lostWaiter(_ number: UInt64) -> Client? { lostWaiters[number] }

    /// Takes it out: its turn has come.
    mutating func takeLostWaiter(_ number: UInt64) -> Client? { lostWaiters.removeValue(forKey: number) }

    /// Keeps a client that is gone, and whose QoS 2 messages have not all settled: its session is its own until then.
    mutating func keep(unsettled client: Client) {
        precondition(clients[client.number] == nil, "Cannot keep a client that is there")
        assert(client.hasClaim && client.isClosing && client.unsettledReceiptCount > 0)
        unsettled[client.number] = client
    }

    /// The client of a number that is gone, and kept.
    func unsettled(_ number: UInt64) -> Client? { unsettled[number] }

    /// Takes it out: all has settled.
    mutating func takeUnsettled(_ number: UInt64) -> Client? { unsettled.removeValue(forKey: number) }

    /// Whether identifiers are to be let go of.
    var hasLeft: Bool { !left.isEmpty }

    /// Notes that an identifier's client is gone.
    mutating func leave(_ clientID: [UInt8], _ owner: ClientOwner) {
        assert(!clientID.isEmpty, "who has claimed an identifier has one")
        left.append((clientID, owner))
    }

    /// Takes the identifiers whose clients are gone.
    mutating func takeLeft() -> [(clientID: [UInt8], owner: ClientOwner)] {
        defer { left = [] }
        return left
    }

    // MARK: Output

    /// Whether some client has output that its socket was not offered.
    var hasDirty: Bool { !dirty.isEmpty }

    /// Puts a client on the list of those with output.
    @inline(__always)
    mutating func markDirty(_ client: Client) {
        guard !client.isDirty else { return }
        client.isDirty = true
        dirty.append(client)
    }

    /// Takes the list into an empty one, which becomes the list.
    mutating func takeDirty(into taken: inout [Client]) {
        assert(taken.isEmpty)
        swap(&taken, &dirty)
        for client in taken {
            assert(client.isDirty, "who is on the list knows it, and so is there once")
            client.isDirty = false
        }
    }

    // MARK: The end

    /// The node is about to stop: what groups have handed out is waited for.
    mutating func beginDrain() {
        assert(draining.isEmpty, "a node begins to stop once")
        draining = clients.values.filter(\.hasGroupDeliveries)
    }

    /// Whether none of those has a delivery of a group in flight any more.
    mutating func isDrained() -> Bool {
        draining.removeAll { $0.isClosing || !$0.hasGroupDeliveries }
        return draining.isEmpty
    }
}
