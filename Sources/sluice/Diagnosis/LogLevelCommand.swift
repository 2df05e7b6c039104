import Administration

/// `sluice log-level`.
enum LogLevelCommand {
    static let command = Command(
        name: "log-level", optionalOperands: ["PART", "LEVEL"],
        summary: "Show or change which lines a running broker logs",
        notes: """
            Without PART it lists the parts (node, network, mqtt, kafka, http, log, bridges, devices) with the least
            severe level of each: info, warning or error. With PART, or `all`, and LEVEL it changes that until the
            broker ends or reads its configuration again; LEVEL `configured` takes it back. Changing is for who may
            administer.
            """,
        example: "sluice log-level mqtt warning", options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let request: AdministrationRequest
        switch arguments.operands.count {
        case 0: request = .logLevels
        case 1: throw arguments.error("LEVEL is missing: info, warning, error, or configured")
        default:
            let (part, level) = (arguments.operands[0], arguments.operands[1])
            request = .setLogLevel(part: part == "all" ? nil : part, level: level == "configured" ? nil : level)
        }
        let client = try BrokerOption.connect(arguments)
        let (document, reply) = try client.request(request)
        try client.disconnect()
        if case .failed(let reason) = reply { throw CommandFailure(reason) }
        guard case .logLevels(let reports) = reply else {
            throw CommandFailure("the broker's answer about its log is not what was asked for")
        }
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(["PART", "LEVEL", "CONFIGURED"], [.left, .left, .left])
        for report in reports { table.add([report.part, report.level, report.configured ?? report.level]) }
        print(table.text(), terminator: "")
        return ExitCode.success
    }
}
