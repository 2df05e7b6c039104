import CLinux
import Glibc
import KafkaBroker
import KafkaWire
import SluiceConfiguration
import SluiceNode

extension KafkaIdentity {
    /// What a configured node says of itself; nil where no listener speaks Kafka's protocol.
    /// - Throws: `CommandFailure` when the cluster's identifier can be neither read nor made.
    init?(_ configuration: Configuration) throws {
        let listeners = configuration.listeners
        guard listeners.kafka != nil || listeners.kafkas != nil else { return nil }
        var advertised: [String: KafkaAddress] = [:]
        let told = [(ListenerKind.kafka, listeners.advertised.kafka), (.kafkas, listeners.advertised.kafkas)]
        // A flag may have put another place than the file's.
        if let kafka = listeners.kafka, listeners.advertised.kafka == nil, ["0.0.0.0", "::"].contains(kafka.host) {
            throw CommandFailure(
                "a Kafka listener on \(kafka.host) needs 'advertised' in the configuration: "
                    + "where clients are told to connect"
            )
        }
        for (kind, address) in told {
            advertised[kind.rawValue] = address.map { KafkaAddress(host: $0.host, port: $0.port) }
        }
        self.init(
            clusterID: try ClusterFile.identifier(in: configuration.dataDirectory), advertised: advertised,
            createsTopics: configuration.kafka.createsTopics,
            directory: configuration.dataDirectory)
    }
}

/// The file with the identifier of the cluster that a node is, by which clients notice that they reach another one.
///
/// It is no part of the log: a copy of a directory by `sluice log backup` becomes a cluster of its own.
enum ClusterFile {
    private static let name = "cluster.id"

    /// The identifier of a data directory, which is made when there is none.
    static func identifier(in directory: String) throws -> String {
        let path = "\(directory)/\(name)"
        if access(path, F_OK) == 0 {
            let text = String(decoding: try FileText.read(path, byteCountMax: 256), as: UTF8.self)
            let identifier = text.filter { !$0.isWhitespace }
            guard KafkaUUID(identifier) != nil else {
                throw CommandFailure("\(path): expected an identifier of 22 characters, found '\(identifier)'")
            }
            return identifier
        }
        let identifier = KafkaUUID.random().description
        guard DirectoryFile.store(path, identifier + "\n", mode: 0o644) else {
            throw CommandFailure("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        return identifier
    }
}
