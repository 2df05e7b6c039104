package import AccessControl
package import SluiceCore
import TopicRouting

/// Who may do what, by roles: the section `access`, read and checked.
package struct AccessSection: Equatable, Sendable {
    /// Something that a role gives or denies.
    package enum Right: Equatable, Sendable {
        /// A right to topics.
        case topics(Grant)
        /// A right to something by its name.
        case named(AccessRulesBuilder.NamedRight)
        /// The right to administer.
        case administration
    }

    /// One line of a role.
    package struct Line: Equatable, Sendable {
        /// What it gives or denies.
        package var right: Right
        /// The setting that says so.
        package var key: String
        /// The filter or name.
        package var text: String
        /// Where it is written.
        package var location: SourceLocation
    }

    /// A role.
    package struct Role: Equatable, Sendable {
        /// Its name.
        package var name: String
        /// What it gives and denies.
        package var lines: [Line]
        /// What bounds those who have it.
        package var limits = IdentityLimits()
    }

    /// The roles.
    package var roles: [Role] = []
    /// The roles of users, in the order they are written.
    package var users: [(name: String, roles: [String])] { userNames.map { ($0, rolesOfUser[$0] ?? []) } }
    private var userNames: [String] = []
    private var rolesOfUser: [String: [String]] = [:]
    private var limitsOfUser: [String: IdentityLimits] = [:]
    /// Roles of everybody who shows a user name.
    package var authenticated: [String] = []
    /// Roles of those who show none.
    package var anonymous: [String] = []

    /// Where it is written.
    package let location: SourceLocation

    /// Reads the section, and reports what is wrong with it.
    init(_ section: SectionReader) {
        location = section.location
        section.section("roles") { roles in
            for (name, _) in roles.names() {
                roles.section(name) { role in
                    var limits = IdentityLimits()
                    role.section("limits") { limits = IdentityLimits($0) }
                    self.roles.append(Role(name: name, lines: Self.lines(role), limits: limits))
                }
            }
        }
        section.section("users") { users in
            for (name, _) in users.names() {
                userNames.append(name)
                guard users.isSection(name) else {
                    rolesOfUser[name] = roleNames(users, name)
                    continue
                }
                users.section(name) { user in
                    rolesOfUser[name] = roleNames(user, "roles")
                    user.section("limits") { limitsOfUser[name] = IdentityLimits($0) }
                }
            }
        }
        authenticated = roleNames(section, "authenticated")
        anonymous = roleNames(section, "anonymous")
    }

    private static let topics: [(key: String, grant: Grant)] = [
        ("read", .read), ("publish", .write), ("readwrite", .readWrite), ("deny", .deny),
    ]
    private static let names: [(key: String, right: AccessRulesBuilder.NamedRight)] = [
        ("read_streams", .readStream), ("write_streams", .writeStream), ("groups", .group),
        ("transactions", .transaction),
    ]

    private static func lines(_ role: SectionReader) -> [Line] {
        var lines: [Line] = []
        for (key, grant) in topics {
            for (text, location) in role.list(key, .text("a topic filter, such as sensors/#")) {
                if let fault = fault(of: text) {
                    role.report(at: location, "'\(key)': expected a topic filter, found '\(text)': \(fault)")
                }
                lines.append(Line(right: .topics(grant), key: key, text: text, location: location))
            }
        }
        for (key, right) in names {
            let name = Expectation<String>.text("a name, or its beginning with '*' behind it, such as telemetry-*")
            for (text, location) in role.list(key, name) {
                if text.dropLast().contains("*") {
                    role.report(at: location, "'\(key)': expected '*' at the end only, found '\(text)'")
                }
                lines.append(Line(right: .named(right), key: key, text: text, location: location))
            }
        }
        if role.value("admin", .boolean) == true {
            let location = role.location(of: "admin")
            lines.append(Line(right: .administration, key: "admin", text: "true", location: location))
        }
        return lines
    }

    private static func fault(of filter: String) -> TopicSyntaxError? {
        do throws(TopicSyntaxError) {
            var limits = Limits()
            limits.topicBytesMax = 65_535
            let bytes = Array(filter.utf8)
            try FilterSyntax.check(filter: bytes.span, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func roleNames(_ section: SectionReader, _ key: String) -> [String] {
        section.list(key, .text("the name of a role")).map { name, location in
            if !roles.contains(where: { $0.name == name }) {
                let nearest = Spelling.nearest(to: name, among: roles.map(\.name))
                let advice =
                    nearest.map { "did you mean '\($0)'?" }
                    ?? "roles: \(roles.isEmpty ? "none" : roles.map(\.name).joined(separator: ", "))"
                section.report(at: location, "there is no role '\(name)'; \(advice)")
            }
            return name
        }
    }

    /// The limits of users and roles.
    package var limits: IdentityLimitTable {
        var table = IdentityLimitTable()
        for role in roles { table.roles[role.name] = role.limits }
        for (name, roles) in users { table.set(limitsOfUser[name] ?? IdentityLimits(), roles: roles, of: name) }
        table.authenticated = authenticated
        table.anonymous = anonymous
        return table
    }

    /// The rules, ready to be asked.
    /// - Parameter file: the name of the configuration in descriptions.
    package func rules(file: String) -> AccessRules {
        var builder = AccessRulesBuilder(file: file)
        var targets: [String: AccessRulesBuilder.Target] = [:]
        for role in roles {
            let target = builder.role(role.name)
            targets[role.name] = target
            for line in role.lines { Self.add(line, of: role, to: target, &builder) }
        }
        for (name, roles) in users { builder.assign(roles.compactMap { targets[$0] }, to: Array(name.utf8)) }
        builder.assignToAuthenticated(authenticated.compactMap { targets[$0] })
        builder.assignToAnonymous(anonymous.compactMap { targets[$0] })
        return builder.build()
    }

    private static func add(
        _ line: Line, of role: Role, to target: AccessRulesBuilder.Target, _ builder: inout AccessRulesBuilder
    ) {
        let lead = "role '\(role.name)', \(line.key):"
        switch line.right {
        case .administration:
            builder.addAdministration(to: target, line: line.location.line, lead: lead + " true")
        case .named(let right): builder.add(right, line.text, to: target, line: line.location.line, lead: lead)
        case .topics(let grant):
            do throws(TopicSyntaxError) {
                try builder.add(
                    grant, line.text.utf8, to: target, line: line.location.line, lead: lead, takesPlaceholders: true)
            } catch {
                preconditionFailure("Cannot use a filter that was refused: \(error)")
            }
        }
    }
}
