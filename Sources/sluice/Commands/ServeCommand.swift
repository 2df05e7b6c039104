import CommitLog
import Glibc
import SluiceConfiguration
import SluiceCore

/// `sluice serve`.
enum ServeCommand {
    static let command = Command(
        name: "serve", summary: "Run the broker until SIGTERM or SIGINT",
        notes: """
            SIGHUP reads the configuration again: retention, cleanup, logging, limits, users and certificates change at
            once, the log says what waits for a restart.

            --takeover upgrades without a refused connection: the process that runs on the data directory hands over
            its listening sockets, ends as with SIGTERM, and clients that come meanwhile wait. Sockets of systemd
            (LISTEN_FDS) are taken by the names of the listeners, such as FileDescriptorName=mqtt.

            Flags override the environment, which overrides the file. Without a file the defaults hold:
            127.0.0.1:1883, ./data, every topic in the stream 'mqtt'. Any setting that is no list has a
            variable, such as SLUICE_JOURNAL_FILE_SIZE for `file_size` under `journal`.
            """,
        example: """
            sluice serve --config config/sluice.yaml --mqtt 127.0.0.1:0 --kafka 127.0.0.1:0 \
              --http 127.0.0.1:0 --ready-file /tmp/sluice.json
            """,
        options: [
            ConfigurationSource.option,
            CommandOption("data", letter: "d", value: "DIR", "where the log lives"),
            CommandOption("mqtt", value: "HOST:PORT", "where to listen for MQTT; port 0 lets the system choose"),
            CommandOption("kafka", value: "HOST:PORT", "where to listen for Kafka's protocol"),
            CommandOption("http", value: "HOST:PORT", "where to listen for HTTP: the page, the metrics, the API"),
            CommandOption(
                "ready-file", value: "FILE", "appears when every listener accepts, with their addresses as JSON"),
            CommandOption("log", value: "FORMAT", "text or json: what log lines look like"),
            CommandOption("loops", value: "N", "event loops; 0 means one for each core"),
            CommandOption(
                "takeover", "take over the listening sockets of the process that runs on the data directory, which ends"
            ),
            CommandOption("grow-partitions", "let streams have more partitions than before; keys move"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let mqtt = try arguments.address("mqtt")
        let kafka = try arguments.address("kafka")
        let http = try arguments.address("http")
        let loops = try arguments.integer("loops", 0...1024)
        let format = try arguments.value("log", expected: "text or json") { LogFormat(rawValue: $0) }
        func read() throws -> Configuration {
            var configuration = try ConfigurationSource.load(arguments)
            if let mqtt { configuration.listeners.mqtt = mqtt }
            if let kafka { configuration.listeners.kafka = kafka }
            if let http { configuration.listeners.http = http }
            if let loops { configuration.loopCount = loops }
            if let format { configuration.logging.format = format }
            if let data = arguments.text("data") { configuration.dataDirectory = data }
            return configuration
        }
        let configuration = try read()
        Console.follow(configuration.logging)
        refuseCoreFiles()
        // A reader of our output that goes away must not take the broker with it.
        signal(SIGPIPE, SIG_IGN)
        // Whoever starts us may have blocked the signals that stop us; a mask is inherited.
        var stopping = sigset_t()
        sigemptyset(&stopping)
        sigaddset(&stopping, SIGTERM)
        sigaddset(&stopping, SIGINT)
        sigaddset(&stopping, SIGHUP)
        pthread_sigmask(SIG_UNBLOCK, &stopping, nil)
        do {
            try Node(
                configuration: configuration, growsPartitions: arguments.has("grow-partitions"),
                takesOver: arguments.has("takeover")
            ).run(readyFile: arguments.text("ready-file"), read: read)
        } catch let error as StorageError {
            throw CommandFailure(explain(error, configuration.dataDirectory))
        }
        return ExitCode.success
    }

    /// What is in memory are passwords, keys, and what devices have published: none of it is written to a core file.
    /// systemd-coredump keeps to this limit too, though the kernel hands it everything.
    private static func refuseCoreFiles() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        if setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) != 0 {
            let reason = String(cString: strerror(errno))
            Console.log(.coreLimitFailed, "core files cannot be refused: \(reason, as: .reason)")
        }
    }

    /// Why the data directory cannot be used, by name.
    private static func explain(_ error: StorageError, _ directory: String) -> String {
        let place = "data directory '\(directory)'"
        return switch error.operation {
        case .lock: "\(place) is in use by another process"
        case .format: "\(place) is of another format: \(error.path): \(error.reason)"
        case .makeDirectory, .open, .write, .preallocate, .rename, .truncate, .synchronizeDirectory:
            error.isFull ? "\(place) has no space: \(error)" : "\(place) is not writable: \(error)"
        case .size, .read, .synchronize, .list, .remove: "\(place) cannot be used: \(error)"
        }
    }
}

/// Where commands get their configuration from.
enum ConfigurationSource {
    static let option = CommandOption(
        "config", letter: "c", value: "FILE", "the configuration; SLUICE_CONFIG names it too")

    /// The file's settings, or the defaults, under the environment's.
    static func load(_ arguments: Arguments) throws -> Configuration {
        let environment = try Environment.variables()
        guard let path = arguments.text("config") ?? environment["SLUICE_CONFIG"] else {
            return try Configuration.read([], file: "(defaults)", environment: environment)
        }
        return try Configuration.load(path: path, environment: environment)
    }
}
