import Foundation
import Testing

@Suite("Conformance: wills")
struct WillConformanceTests {
    private static let keep: [UInt8] = [0x11, 0, 0, 0, 99]

    /// How a connection ends.
    enum End: CaseIterable {
        case lost, protocolError, takenOver, goodbye, goodbyeWithWill, goodbyeWithError

        func publishes(_ level: UInt8) -> Bool {
            switch self {
            case .lost, .protocolError, .takenOver, .goodbyeWithError: true
            case .goodbye: false
            case .goodbyeWithWill: level == 5
            }
        }
    }

    @Test("it is published when a connection ends in any way but a clean DISCONNECT", arguments: [4, 5] as [UInt8])
    func ends(level: UInt8) throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, level, "w")
        watcher.subscribed("will", 2)
        var id = 0
        for end in End.allCases {
            let mortal = try Peer(
                broker, level, "m", will: Peer.Will(topic: "will", payload: "\(end)", qos: 1))
            var successor: Peer?
            switch end {
            case .lost: mortal.fade()
            case .protocolError: mortal.send([0x30, 0])
            case .takenOver: successor = try Peer(broker, level, "m")
            case .goodbye: mortal.disconnect()
            case .goodbyeWithWill: mortal.disconnect(level == 5 ? [4] : [])
            case .goodbyeWithError: mortal.disconnect(level == 5 ? [0x80] : [1])
            }
            if end.publishes(level) {
                id += 1
                watcher.expect("will \(end) q1 #\(id)")
            }
            // The next one must find the connection ended, and not end it.
            if end == .goodbye || end == .goodbyeWithWill { mortal.expect("closed") }
            watcher.expectOnly()
            successor?.expectOnly()
        }
    }

    @Test("its QoS and RETAIN are those of the CONNECT, and its properties go with it")
    func flags() throws {
        let broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            for qos in [0, 1, 2] as [UInt8] {
                for retain in [false, true] {
                    let user: [UInt8] = [0x26, 0, 1, 0x62, 0, 1, 0x31, 0x26, 0, 1, 0x61, 0, 1, 0x32]
                    let properties: [UInt8] = level == 5 ? [0x03, 0, 1, 0x63] + user : []
                    let watcher = try Peer(broker, level, "w")
                    watcher.subscribed("will", 2)
                    let mortal = try Peer(
                        broker, level, "m",
                        will: Peer.Will(topic: "will", payload: "", qos: qos, retain: retain, properties: properties))
                    mortal.fade()
                    watcher.expect("will  q\(qos)" + (qos > 0 ? " #1" : ""))
                    #expect(watcher.properties == properties)
                }
            }
            let keeper = try Peer(
                broker, level, "k", will: Peer.Will(topic: "kept", payload: "x", qos: 1, retain: true))
            let watcher = try Peer(broker, level, "w")
            watcher.subscribed("kept", 0)
            keeper.fade()
            watcher.expect("kept x q0")
            let late = try Peer(broker, level, "late")
            late.subscribed("kept", 0)
            late.expectOnly("kept x q0 retain")
            try Peer(broker, level, "p").stores("kept", "", retain: true)
        }
    }

    @Test("a delay holds it back until it is over or the session is, and a new connection in time cancels it")
    func delay() throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, 5, "w")
        watcher.subscribed("will", 0)
        let later: [UInt8] = [0x18, 0, 0, 0, 60]
        let will = Peer.Will(topic: "will", payload: "x", properties: later)
        try Peer(broker, 5, "m", properties: Self.keep, will: will).fade()
        watcher.expectOnly()
        // The session goes on: the will is gone.
        let second = try Peer(broker, 5, "m", clean: false, properties: Self.keep, isPresent: true)
        second.disconnect()
        second.expect("closed")
        watcher.expectOnly()
        // A clean start ends the session that it waits for.
        try Peer(broker, 5, "m", properties: Self.keep, will: will).fade()
        watcher.expectOnly()
        let third = try Peer(broker, 5, "m")
        watcher.expect("will x q0")
        third.disconnect()
        // A session that ends with its connection takes the delay with it.
        try Peer(broker, 5, "n", will: will).fade()
        watcher.expect("will x q0")
        // One that ends, or whose delay ends, within a second.
        try Peer(broker, 5, "n", properties: [0x11, 0, 0, 0, 1], will: will).fade()
        watcher.expect("will x q0")
        let soon = Peer.Will(topic: "will", payload: "y", properties: [0x18, 0, 0, 0, 1])
        try Peer(broker, 5, "n", properties: Self.keep, will: soon).fade()
        watcher.expect("will y q0")
        watcher.expectOnly()
    }

    @Test("without a will nothing is published")
    func without() throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, 5, "w")
        watcher.subscribed("#", 0)
        try Peer(broker, 5, "m").fade()
        try Peer(broker, 4, "m").fade()
        watcher.expectOnly()
    }
}
