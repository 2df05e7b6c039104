/// What clients try, under rules that both brokers read alike.
enum AccessTable {
    /// A try.
    enum Attempt: Equatable {
        /// Publishing to a topic.
        case publish(String)
        /// Receiving what somebody publishes to `topic`, subscribed to `filter`.
        case live(String, topic: String)
        /// Receiving what is retained on `topic`, subscribed to `filter`.
        case retained(String, topic: String)
    }

    /// One try, and what comes of it.
    struct Case {
        var user: String?
        var client = "c1"
        var attempt: Attempt
        var isAllowed: Bool
        /// Why mosquitto decides otherwise; nil where it does not.
        var difference: String?
    }

    /// Tries under the rules of one file.
    struct Group {
        var rules: String
        var cases: [Case]
    }

    private static func yes(_ user: String?, _ attempt: Attempt, client: String = "c1") -> Case {
        Case(user: user, client: client, attempt: attempt, isAllowed: true)
    }

    private static func no(
        _ user: String?, _ attempt: Attempt, client: String = "c1", but difference: String? = nil
    ) -> Case {
        Case(user: user, client: client, attempt: attempt, isAllowed: false, difference: difference)
    }

    private static func yes(_ user: String?, _ attempt: Attempt, but difference: String) -> Case {
        Case(user: user, attempt: attempt, isAllowed: true, difference: difference)
    }

    static let groups = [words, denials, patterns, names, dollars, wildcards, layout, nothing]

    /// The words of a line, and who its rules are for.
    private static let words = Group(
        rules: """
            topic read public/#
            user alice
            topic both
            topic readwrite both/too
            topic read in/#
            topic write out/+
            topic read two words/and more
            topic deny
            user bob smith
            topic bob

            """,
        cases: [
            yes(nil, .live("public/#", topic: "public/a")), yes(nil, .live("public/#", topic: "public")),
            no(nil, .publish("public/a")), no(nil, .publish("both")), no(nil, .live("both", topic: "both")),
            yes("alice", .publish("both")), yes("alice", .live("both", topic: "both")),
            yes("alice", .publish("both/too")), yes("alice", .live("#", topic: "both/too")),
            no("alice", .publish("in/a")), yes("alice", .live("in/#", topic: "in/a/b")),
            yes("alice", .publish("out/a")), no("alice", .publish("out/a/b")), no("alice", .publish("out")),
            no("alice", .live("out/#", topic: "out/a")), yes("alice", .live("+/+", topic: "two words/and more")),
            yes("alice", .publish("deny")), no("alice", .live("public/#", topic: "public/a")),
            yes("bob smith", .publish("bob")), no("bob", .publish("bob")), no("ALICE", .publish("both")),
            no("", .publish("both")),
        ])

    /// Denials, before and behind what is given.
    private static let denials = Group(
        rules: """
            user early
            topic deny a/secret/#
            topic a/#
            user late
            topic a/#
            topic deny a/+/x
            topic read b
            topic write b
            user none
            topic deny #

            """,
        cases: [
            no("early", .publish("a/secret")), no("early", .publish("a/secret/b")), yes("early", .publish("a/b")),
            no("early", .live("a/#", topic: "a/secret/b")), yes("early", .live("a/#", topic: "a/b")),
            no("late", .publish("a/b/x")), no("late", .live("#", topic: "a/b/x")), yes("late", .publish("a/x")),
            yes("late", .live("#", topic: "a/b/y")), yes("late", .publish("b")), yes("late", .live("b", topic: "b")),
            no("late", .retained("a/#", topic: "a/r/x")), yes("late", .retained("a/#", topic: "a/r/y")),
            no("none", .publish("a")), no("none", .live("#", topic: "a")),
        ])

    /// Patterns, which are everybody's.
    private static let patterns = Group(
        rules: """
            pattern write devices/%u/%c/#
            user alice
            topic deny everybody/alice
            topic given
            pattern read everybody/#
            pattern deny everybody/closed
            pattern deny given
            pattern %c
            pattern read %u/%u

            """,
        cases: [
            yes("alice", .publish("devices/alice/c1/x")), no("alice", .publish("devices/alice/c2/x")),
            yes("alice", .publish("devices/alice/c1")), no("alice", .publish("devices/bob/c1/x")),
            no("alice", .live("#", topic: "devices/alice/c1/x")),
            yes("bob", .publish("devices/bob/c2/x"), client: "c2"),
            no("alice", .live("#", topic: "everybody/alice")), yes("bob", .live("#", topic: "everybody/alice")),
            no("bob", .live("#", topic: "everybody/closed")), yes("alice", .publish("given")),
            no("bob", .publish("given")),
            yes(nil, .live("#", topic: "everybody/a")), no(nil, .publish("devices//c1/x")), yes(nil, .publish("c1")),
            no(nil, .publish("c2")), yes("bob", .live("#", topic: "bob/bob")),
            no("bob", .live("#", topic: "bob/alice")),
        ])

    /// Names with characters that mean something.
    private static let names = Group(
        rules: """
            user plus+
            topic own
            user a/b
            topic own
            pattern d/%u/#
            pattern client/%c/#
            pattern read open

            """,
        cases: [
            yes("plus+", .publish("own")), no("plus+", .publish("d/plus+x")), no("plus+", .live("open", topic: "open")),
            no("hash#", .publish("d/x")), no("#", .publish("d/x")), no("+", .publish("d/x")),
            no("+", .live("open", topic: "open")), no("user", .publish("client/x"), client: "+"),
            no("user", .live("open", topic: "open"), client: "c#"), no(nil, .publish("client/x"), client: "#"),
            yes("a/b", .publish("d/a/b/x")), yes("a/b", .publish("own")), no("a/b", .publish("d/a/x")),
            yes("c/d", .publish("client/x/y/z"), client: "x/y"), yes("%c", .publish("d/%c/x")),
            no("%c", .publish("d/c1/x")), yes("%u", .publish("d/%u/x")), yes("$x", .publish("d/$x/y")),
            yes("é ü", .publish("d/é ü/x")), yes("quote\"", .publish("d/quote\"")),
            yes("user", .live("open", topic: "open")),
        ])

    private static let ownTopics = "mosquitto takes every topic that begins with '$SYS' for its own"

    /// Topics that start with a dollar, and the brokers' own.
    private static let dollars = Group(
        rules: """
            user all
            topic #
            topic +/+
            user system
            topic $SYS/#
            topic $SYSTEM/#
            topic $other/#
            topic $share/#
            user deep
            topic read $SYS/broker/version
            topic deny $other/a
            topic $other/+
            pattern $own/%u

            """,
        cases: [
            no("all", .publish("$SYS/x")), no("all", .publish("$other/x")),
            no("all", .live("$other/#", topic: "$other/x")),
            no("all", .retained("$SYS/#", topic: "$SYS/broker/version")), yes("all", .publish("a/b")),
            no("system", .publish("$SYS/x")), yes("system", .retained("$SYS/#", topic: "$SYS/broker/version")),
            yes("system", .publish("$other/x")), yes("system", .live("$other/#", topic: "$other/x")),
            no("system", .live("#", topic: "$other/x")), no("system", .publish("$share/g/a")),
            yes("system", .publish("$SYSTEM/x"), but: ownTopics),
            yes("deep", .retained("$SYS/broker/#", topic: "$SYS/broker/version")), no("deep", .publish("$other/a")),
            yes("deep", .publish("$other/b")), yes("deep", .publish("$own/deep")), no("deep", .publish("$own/all")),
        ])

    /// Filters that are wider than what may be read, also shared ones.
    private static let wildcards = Group(
        rules: """
            user reader
            topic read rooms/+/temperature
            topic read rooms/kitchen/#
            topic deny rooms/kitchen/safe
            topic write rooms/#

            """,
        cases: [
            yes("reader", .live("#", topic: "rooms/hall/temperature")),
            no("reader", .live("#", topic: "rooms/hall/door")),
            yes("reader", .live("+/kitchen/+", topic: "rooms/kitchen/door")),
            yes("reader", .live("rooms/kitchen/#", topic: "rooms/kitchen")),
            no("reader", .live("rooms/kitchen/#", topic: "rooms/kitchen/safe")),
            no("reader", .publish("rooms/kitchen/safe")), yes("reader", .publish("rooms/hall/door")),
            no("reader", .live("rooms/hall/door", topic: "rooms/hall/door")),
            no("reader", .retained("#", topic: "rooms/r1/door")),
            yes("reader", .retained("rooms/#", topic: "rooms/r1/temperature")),
            no("reader", .retained("rooms/kitchen/+", topic: "rooms/kitchen/safe")),
            yes("reader", .live("$share/g1/rooms/#", topic: "rooms/hall/temperature")),
            no("reader", .live("$share/g2/rooms/#", topic: "rooms/hall/door")),
            no("reader", .live("$share/g3/#", topic: "rooms/kitchen/safe")),
        ])

    /// How a file may look.
    private static let layout = Group(
        rules: "# comment\r\nuser  padded \r\n\r\n   topic   read    x/y  \r\n#topic z\r\nuser other\r\n"
            + "topic o\nuser padded\ntopic write later",
        cases: [
            yes("padded", .live("#", topic: "x/y")), no("padded", .publish("x/y")), yes("padded", .publish("later")),
            no("padded", .publish("z")), yes("other", .publish("o")), no("other", .publish("later")),
        ])

    /// A file without a rule.
    private static let nothing = Group(
        rules: "# nothing\nuser alice\n",
        cases: [no("alice", .publish("a")), no(nil, .publish("a")), no(nil, .live("#", topic: "a"))])

    /// Files that are refused, by the line at fault.
    static let refused: [(text: String, line: Int)] = [
        ("topci read a\n", 1), ("user a\ntopic raed a/b\n", 2), ("\n\nuser\n", 3), ("user   \n", 1),
        ("topic\n", 1), ("pattern \n", 1), ("topic read a/b#\n", 1), ("topic a+\n", 1),
        ("topic #/a\n", 1), ("pattern a/%u+\n", 1), (" # no comment\n", 1), ("topic\tread a\n", 1),
        ("topic a b\n", 1), ("Topic a\n", 1),
    ]
}
