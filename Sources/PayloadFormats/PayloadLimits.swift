/// What payloads may be that are read; each keeps memory or time that a device chooses within bounds.
package enum PayloadLimits {
    /// Bytes of a payload whose fields are read: a hundred times what readings take.
    package static let payloadBytesMax = 1 << 20
    /// Of them, what a reader keeps memory for; longer payloads get memory for the time that they are read.
    static let keptBytesMax = 1 << 16
    /// Bytes of a payload that is a number, the white space around it included: more than any number needs.
    static let numberBytesMax = 1024
    /// Nesting of objects and arrays.
    package static let depthMax = 64
    /// Fields of a schema.
    package static let fieldsMax = 64
    /// Names of a path.
    package static let pathStepsMax = 16
    /// Steps of all paths of a schema, the payload itself among them.
    static let stepsMax = fieldsMax * pathStepsMax + 1
    /// Columns of a line.
    package static let columnsMax = 256
}
