import Cryptography
import SluiceConfiguration

/// What every command that talks to a broker takes.
enum BrokerOption {
    static let options = [
        CommandOption(
            "broker", letter: "b", value: "HOST[:PORT]",
            "the broker; SLUICE_BROKER names it too, 127.0.0.1:1883 unless given"),
        CommandOption("username", letter: "u", value: "NAME", "who connects"),
        CommandOption("password-file", value: "FILE", "holds the password; a line feed at its end does not count"),
        CommandOption("tls", "over TLS, port 8883 unless given; the options below ask for it too"),
        CommandOption("cafile", value: "FILE", "the authorities of the broker's certificate, PEM; else the system's"),
        CommandOption("cert", value: "FILE", "the client's certificate and its chain, PEM"),
        CommandOption("key", value: "FILE", "the certificate's private key, PEM"),
    ]

    /// A connection to the broker that the arguments name.
    static func connect(_ arguments: Arguments) throws -> MQTTClient { try MQTTClient(place(arguments)) }

    /// The broker that the arguments or the environment name, and who connects.
    static func place(_ arguments: Arguments) throws -> BrokerPlace {
        let isSecure = arguments.has("tls") || ["cafile", "cert", "key"].contains { arguments.isGiven($0) }
        var place = BrokerPlace(
            address: try address(arguments, port: isSecure ? 8883 : 1883), command: arguments.command.name)
        place.username = arguments.text("username").map { Array($0.utf8) }
        if let path = arguments.text("password-file") {
            guard place.username != nil else { throw arguments.error("--password-file goes with --username") }
            var password = try FileBytes.contents(of: path, byteCountMax: 64 << 10)
            if password.last == UInt8(ascii: "\n") { password.removeLast() }
            if password.last == UInt8(ascii: "\r") { password.removeLast() }
            place.password = password
        }
        guard isSecure else { return place }
        var material = TLSClientMaterial()
        if arguments.isGiven("cert") != arguments.isGiven("key") {
            throw arguments.error("--cert and --key go together")
        }
        func file(_ option: String) throws(CommandFailure) -> [UInt8]? {
            guard let path = arguments.text(option) else { return nil }
            return try FileBytes.contents(of: path, byteCountMax: 4 << 20)
        }
        material.authorities = try file("cafile")
        material.certificateChain = try file("cert")
        material.privateKey = try file("key")
        place.material = material
        return place
    }

    private static let expectation = "HOST or HOST:PORT, such as 127.0.0.1:1883"

    private static func address(_ arguments: Arguments, port: UInt16) throws -> ListenAddress {
        if let given = try arguments.value("broker", expected: expectation, { read($0, port) }) { return given }
        guard let text = try Environment.variables()["SLUICE_BROKER"] else {
            return ListenAddress(host: "127.0.0.1", port: port)
        }
        guard let address = read(text, port) else {
            throw arguments.error("SLUICE_BROKER '\(text)': expected \(expectation)")
        }
        return address
    }

    /// `HOST:PORT`, or a host alone; an IPv6 address needs brackets only beside a port.
    private static func read(_ text: String, _ port: UInt16) -> ListenAddress? {
        if let address = ListenAddress(text) { return address.port > 0 ? address : nil }
        let isIPv6 = text.contains(":") && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        return ListenAddress(isIPv6 ? "[\(text)]:\(port)" : "\(text):\(port)")
    }
}
