import Administration
import SluiceConfiguration
import SluiceCore

/// `sluice bans list`, `add` and `remove`.
enum BansCommand {
    static let list = Command(
        name: "bans list", summary: "List the addresses that a running broker keeps out",
        notes: """
            Those that have failed too often ('bans' in the configuration), and those that were added. They are kept in
            memory: a restart forgets them. Addresses of version 6 are kept out by their networks of 64 bits.
            """,
        example: "sluice bans list --broker 127.0.0.1:1883",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let (document, reply) = try request(.bans, arguments)
        guard case .bans(let bans) = reply else {
            throw CommandFailure("the broker's list of bans is not the JSON that was expected")
        }
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(["ADDRESS", "FOR ANOTHER", "REFUSED", "REASON"], [.left, .left, .right, .left])
        for ban in bans {
            let left = ban.leftMilliseconds.map { Readable.milliseconds(max(1000, $0)) } ?? "ever"
            table.add([ban.address, left, String(ban.refusedCount), ban.cause])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let add = Command(
        name: "bans add", operands: ["ADDRESS"], summary: "Keep an address or a network out of a running broker",
        notes: "New connections only; without --for until it is removed or the broker ends. For who may administer.",
        example: "sluice bans add 192.0.2.0/24 --for 1h",
        options: BrokerOption.options + [
            CommandOption("for", value: "TIME", "for how long, such as 10m or 1d"), CommandOption("json", "print JSON"),
        ]
    ) { arguments in
        let network = try network(arguments)
        let time = try arguments.value("for", expected: "a duration, such as 10m") { Quantity.duration($0) }
        let seconds = time.map { max(1, $0.milliseconds / 1000) }
        let (document, reply) = try request(.ban(network.description, seconds: seconds), arguments)
        guard reply == .done(true) else { throw CommandFailure("\(network) is not banned: \(document)") }
        print(arguments.has("json") ? "\(document)" : "\(network) is banned")
        return ExitCode.success
    }

    static let remove = Command(
        name: "bans remove", operands: ["ADDRESS"], summary: "Let an address or a network in again",
        notes: "A network as it was banned. Needs the right to administer.",
        example: "sluice bans remove 192.0.2.0/24",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let network = try network(arguments)
        let (document, reply) = try request(.unban(network.description), arguments)
        guard reply == .done(true) else { throw CommandFailure("\(network) was not banned") }
        print(arguments.has("json") ? "\(document)" : "\(network) is let in again")
        return ExitCode.success
    }

    private static func network(_ arguments: Arguments) throws(UsageError) -> IPNetwork {
        let text = arguments.operands[0]
        guard let network = IPNetwork(text) else {
            throw arguments.error(
                "expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24, found '\(text)'")
        }
        return network
    }

    private static func request(
        _ request: AdministrationRequest, _ arguments: Arguments
    ) throws -> (JSON, AdministrationReply) {
        let client = try BrokerOption.connect(arguments)
        let answer = try client.request(request)
        try client.disconnect()
        return answer
    }
}
