// Made from Apache Kafka's DescribeLogDirsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 35, DescribeLogDirs, versions 0 to 5.
package struct DescribeLogDirsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 35
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error. From version 3.
    package var errorCode: KafkaErrorCode
    /// The log directories.
    package var results: [DescribeLogDirsResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        results: [DescribeLogDirsResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeLogDirsResponse")
        self.init()
        let isFlexible = version >= 2
        throttleTimeMs = try reader.readInt32("DescribeLogDirsResponse.throttleTimeMs")
        if version >= 3 {
            errorCode = try reader.readErrorCode("DescribeLogDirsResponse.errorCode")
        }
        results = try reader.readArray(compact: isFlexible, version: version, "DescribeLogDirsResponse.results")
        if isFlexible {
            try reader.skipTags("DescribeLogDirsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeLogDirsResponse")
        let isFlexible = version >= 2
        writer.write(throttleTimeMs)
        if version >= 3 {
            writer.write(errorCode)
        }
        try writer.write(results, compact: isFlexible, version: version, "DescribeLogDirsResponse.results")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeLogDirsResponse {
    /// Part of DescribeLogDirsResponse: The log directories.
    package struct DescribeLogDirsResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The absolute log directory path.
        package var logDir: String
        /// The topics.
        package var topics: [DescribeLogDirsTopic]
        /// The total size in bytes of the volume the log directory is in. This value does not include the size of data
        /// stored in remote storage. From version 4.
        package var totalBytes: Int64
        /// The usable size in bytes of the volume the log directory is in. This value does not include the size of data
        /// stored in remote storage. From version 4.
        package var usableBytes: Int64
        /// True if this log directory is cordoned. Version 5 only.
        package var isCordoned: Bool

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            logDir: String = "",
            topics: [DescribeLogDirsTopic] = [],
            totalBytes: Int64 = -1,
            usableBytes: Int64 = -1,
            isCordoned: Bool = false
        ) {
            self.errorCode = errorCode
            self.logDir = logDir
            self.topics = topics
            self.totalBytes = totalBytes
            self.usableBytes = usableBytes
            self.isCordoned = isCordoned
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            errorCode = try reader.readErrorCode("DescribeLogDirsResult.errorCode")
            logDir = try reader.readString(compact: isFlexible, "DescribeLogDirsResult.logDir")
            topics = try reader.readArray(compact: isFlexible, version: version, "DescribeLogDirsResult.topics")
            if version >= 4 {
                totalBytes = try reader.readInt64("DescribeLogDirsResult.totalBytes")
                usableBytes = try reader.readInt64("DescribeLogDirsResult.usableBytes")
            }
            if version == 5 {
                isCordoned = try reader.readBool("DescribeLogDirsResult.isCordoned")
            }
            if isFlexible {
                try reader.skipTags("DescribeLogDirsResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(errorCode)
            try writer.write(logDir, compact: isFlexible, "DescribeLogDirsResult.logDir")
            try writer.write(topics, compact: isFlexible, version: version, "DescribeLogDirsResult.topics")
            if version >= 4 {
                writer.write(totalBytes)
                writer.write(usableBytes)
            }
            if version == 5 {
                writer.write(isCordoned)
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeLogDirsResponse: The topics.
    package struct DescribeLogDirsTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The partitions.
        package var partitions: [DescribeLogDirsPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [DescribeLogDirsPartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            name = try reader.readString(compact: isFlexible, "DescribeLogDirsTopic.name")
            partitions = try reader.readArray(compact: isFlexible, version: version, "DescribeLogDirsTopic.partitions")
            if isFlexible {
                try reader.skipTags("DescribeLogDirsTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(name, compact: isFlexible, "DescribeLogDirsTopic.name")
            try writer.write(partitions, compact: isFlexible, version: version, "DescribeLogDirsTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeLogDirsResponse: The partitions.
    package struct DescribeLogDirsPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 21 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The size of the log segments in this partition in bytes.
        package var partitionSize: Int64
        /// The lag of the log's LEO w.r.t. partition's HW (if it is the current log for the partition) or current
        /// replica's LEO (if it is the future log for the partition).
        package var offsetLag: Int64
        /// True if this log is created by AlterReplicaLogDirsRequest and will replace the current log of the replica in
        /// the future.
        package var isFutureKey: Bool

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            partitionSize: Int64 = 0,
            offsetLag: Int64 = 0,
            isFutureKey: Bool = false
        ) {
            self.partitionIndex = partitionIndex
            self.partitionSize = partitionSize
            self.offsetLag = offsetLag
            self.isFutureKey = isFutureKey
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            partitionIndex = try reader.readInt32("DescribeLogDirsPartition.partitionIndex")
            partitionSize = try reader.readInt64("DescribeLogDirsPartition.partitionSize")
            offsetLag = try reader.readInt64("DescribeLogDirsPartition.offsetLag")
            isFutureKey = try reader.readBool("DescribeLogDirsPartition.isFutureKey")
            if isFlexible {
                try reader.skipTags("DescribeLogDirsPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(partitionIndex)
            writer.write(partitionSize)
            writer.write(offsetLag)
            writer.write(isFutureKey)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
