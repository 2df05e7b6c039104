import Administration
import SluiceBroker

/// `sluice refusals`.
enum RefusalsCommand {
    static let command = Command(
        name: "refusals", summary: "List what a running broker has refused of late, and why",
        notes: """
            Before MQTT 5 a client only learns that it was refused: here is why. Connections, subscriptions, publishes
            and requests, the latest first; what a client repeats is one line. A few hundred are kept, in memory.
            """,
        example: "sluice refusals --broker 127.0.0.1:1883",
        options: BrokerOption.options + [CommandOption("json", "print JSON; times are milliseconds since 1970")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let (document, reply) = try client.request(.refusals)
        try client.disconnect()
        guard case .refusals(let refusals, forgotten: let forgotten) = reply else {
            throw CommandFailure("the broker's list of refusals is not the JSON that was expected")
        }
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(
            ["LAST", "TIMES", "CLIENT", "ADDRESS", "ASKED", "REASON"], [.left, .right, .left, .left, .left, .left])
        for refusal in refusals {
            table.add([
                RFC3339.text(refusal.lastMilliseconds), String(refusal.count), refusal.clientID, refusal.address,
                refusal.asked, refusal.reason,
            ])
        }
        print(table.text(), terminator: "")
        if forgotten > 0 { print("and \(forgotten) that have made room for these") }
        return ExitCode.success
    }
}
