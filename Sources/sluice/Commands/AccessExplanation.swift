import AccessControl
import Administration
import SluiceConfiguration
import Speaking

/// The rules of access that a configuration has, by what they are for.
enum AccessSources {
    /// Reads them.
    static func load(_ configuration: Configuration) throws -> [(scope: String, rules: AccessRules)] {
        guard let access = configuration.access else { return [] }
        return [("every listener", access.rules(file: access.location.file))]
    }
}

/// Who may read and publish a topic, and what says so.
struct AccessExplanation {
    private struct Row {
        /// Nil for clients without a user name, `*` for whom no rule names.
        let user: String?
        let read: Verdict
        let publish: Verdict
    }

    private struct Part {
        let scope: String
        let rules: AccessRules
        let rows: [Row]
    }

    private static let others = "*"

    private let client: String
    private let isAboutOne: Bool
    private var parts: [Part] = []

    /// An explanation.
    /// - Parameters:
    ///   - user: whom it is about; nil with a client for those without a name, and without one for all that rules name.
    ///   - client: the client identifier; an example unless given.
    init(
        of topic: [UInt8], _ sources: [(scope: String, rules: AccessRules)], user: String?, client: String?
    ) {
        self.client = client ?? "CLIENT"
        isAboutOne = user != nil || client != nil
        for (scope, rules) in sources {
            let names = rules.userNames.map { String(decoding: $0, as: UTF8.self) }.sorted()
            let asked: [String?] = isAboutOne ? [user] : [nil] + names.map { $0 } + [Self.others]
            let rows = asked.map { name in
                let shown = name == Self.others && !isAboutOne ? "USER" : name
                let rights = rules.rights(
                    of: shown.map { .user($0) } ?? .anonymous, clientID: Array(self.client.utf8))
                return Row(user: name, read: rights.mayRead(topic.span), publish: rights.mayPublish(topic.span))
            }
            // Of a hundred thousand users few have to do with a topic.
            let shown = rows.filter {
                isAboutOne || [nil, Self.others].contains($0.user) || $0.read.isAllowed || $0.publish.isAllowed
            }
            parts.append(Part(scope: scope, rules: rules, rows: shown))
        }
    }

    /// It for people: nothing where there are no rules and nobody is asked about.
    var text: String {
        if parts.isEmpty { return isAboutOne ? "access\n  everybody may read and publish: there are no rules\n" : "" }
        return parts.map { part in
            var table = Table(columns: [.left, .left, .left, .left])
            for row in part.rows {
                let isOther = row.user == Self.others && !isAboutOne
                let name = isOther ? "another user" : row.user.map { "user \($0)" } ?? "without a user name"
                table.add([name, "read", Self.word(row.read), part.rules.description(of: row.read.rule)])
                table.add(["", "publish", Self.word(row.publish), part.rules.description(of: row.publish.rule)])
            }
            return "access at \(part.scope), as client \(client)\n" + table.text(indent: 2)
        }.joined()
    }

    private static func word(_ verdict: Verdict) -> String { verdict.isAllowed ? "yes" : "no" }

    /// It for programs.
    var json: JSON {
        .array(
            parts.flatMap { part in
                part.rows.map { row in
                    .members([
                        "scope": .string(part.scope), "user": row.user.map { .string($0) } ?? .null,
                        "client": .string(client), "read": Self.json(row.read, part.rules),
                        "publish": Self.json(row.publish, part.rules),
                    ])
                }
            })
    }

    private static func json(_ verdict: Verdict, _ rules: AccessRules) -> JSON {
        .members(["allowed": .bool(verdict.isAllowed), "rule": .string(rules.description(of: verdict.rule))])
    }
}
