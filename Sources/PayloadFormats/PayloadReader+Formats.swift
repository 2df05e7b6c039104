extension PayloadReader {
    func checkJSON(_ payload: Span<UInt8>, slack: Int, schema: PayloadSchema) -> PayloadFault? {
        switch json.read(payload, slack: slack, tree: schema.tree, fieldCount: schema.fields.count) {
        case .ok: break
        case .fault(let reason): return JSONLocator.fault(in: payload, schema: schema, suspected: reason)
        }
        for field in 0..<schema.fields.count {
            if let reason = accept(json.token(field), field: field, schema: schema, payload: payload) {
                return JSONLocator.fault(of: field, reason, in: payload, schema: schema)
            }
        }
        return nil
    }

    func checkCBOR(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        if let fault = cbor.read(payload, schema: schema) { return fault }
        for field in 0..<schema.fields.count {
            if let reason = accept(cbor.tokens[field], field: field, schema: schema, payload: payload) {
                return PayloadFault(reason, field: field, at: cbor.start(of: field, tree: schema.tree))
            }
        }
        return nil
    }

    func checkNumber(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        guard payload.count <= PayloadLimits.numberBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.numberBytesMax)
        }
        let trimmed = PlainText.trim(payload, 0..<payload.count)
        if trimmed.isEmpty { return PayloadFault(.truncated, at: payload.count) }
        let token = DecimalNumber.read(payload, trimmed)
        if case .other = token { return PayloadFault(.notNumber, field: 0, at: trimmed.lowerBound) }
        return accept(token, field: 0, schema: schema, payload: payload).map {
            PayloadFault($0, field: 0, at: trimmed.lowerBound)
        }
    }

    func checkText(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        if let offset = payload.utf8Flaw { return PayloadFault(.notUTF8, at: offset) }
        guard let check = schema.checks.first else { return nil }
        guard payload.count <= PayloadLimits.payloadBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax)
        }
        let text = FieldText(start: 0, byteCount: UInt32(payload.count), isInPayload: true)
        let token = PlainText.token(text, in: payload, for: check.type)
        return accept(token, field: 0, schema: schema, payload: payload).map { PayloadFault($0, field: 0, at: 0) }
    }

    func checkLine(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        guard payload.count <= PayloadLimits.payloadBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax)
        }
        if payload.isEmpty { return PayloadFault(.truncated, at: 0) }
        if let offset = payload.utf8Flaw { return PayloadFault(.notUTF8, at: offset) }
        for field in 0..<schema.fields.count { isFound[field] = false }
        let end = line.begin(payload)
        var column = 0
        var start = 0
        do throws(PayloadFault) {
            while true {
                let (text, isLast) = try line.next(payload, end: end, delimiters: schema.delimiters)
                if column < schema.columns.count, schema.columns[column] >= 0 {
                    try take(text, field: schema.columns[column], schema: schema, payload, start: start)
                }
                if isLast { break }
                column += 1
                start = line.position
            }
        } catch {
            return error
        }
        return acceptMissing(schema, payload, at: end)
    }

    private func take(
        _ text: FieldText, field: Int, schema: PayloadSchema, _ payload: Span<UInt8>, start: Int
    ) throws(PayloadFault) {
        isFound[field] = true
        let type = schema.checks[field].type
        let token: PayloadToken
        if text.byteCount == 0 {
            token = .absent
        } else if text.isInPayload {
            token = PlainText.token(text, in: payload, for: type)
        } else {
            let texts = line.texts
            token = PlainText.token(text, in: texts.span, for: type)
        }
        if let reason = accept(token, field: field, schema: schema, payload: payload) {
            throw PayloadFault(reason, field: field, at: start)
        }
    }

    /// Compares the fields that have not been found.
    private func acceptMissing(_ schema: PayloadSchema, _ payload: Span<UInt8>, at offset: Int) -> PayloadFault? {
        for field in 0..<schema.fields.count where !isFound[field] {
            if let reason = accept(.absent, field: field, schema: schema, payload: payload) {
                return PayloadFault(reason, field: field, at: offset)
            }
        }
        return nil
    }

    func checkSparkplug(
        _ payload: Span<UInt8>, schema: PayloadSchema, aliases: SparkplugAliases?
    ) -> PayloadFault? {
        for field in 0..<schema.fields.count { isFound[field] = false }
        do throws(PayloadFault) {
            let head = try SparkplugPayload.forEachMetric(in: payload) { metric throws(PayloadFault) in
                try take(metric, schema: schema, payload, aliases)
            }
            if let field = schema.payloadTimeField {
                let moment = head.timestamp.map { PayloadToken.moment(Moment(milliseconds: $0)?.nanoseconds) }
                try take(moment ?? .absent, field, schema, payload, at: head.timestampStart)
            }
            if let field = schema.payloadSequenceField {
                let count = head.sequence.map { Int64(exactly: $0).map { PayloadToken.integer($0) } ?? .large($0) }
                try take(count ?? .absent, field, schema, payload, at: head.sequenceStart)
            }
        } catch {
            return error
        }
        return acceptMissing(schema, payload, at: 0)
    }

    private func take(
        _ metric: SparkplugMetric, schema: PayloadSchema, _ payload: Span<UInt8>, _ aliases: SparkplugAliases?
    ) throws(PayloadFault) {
        var field: Int?
        var datatype = metric.datatype
        if let name = metric.name {
            let bytes = payload.extracting(name)
            field = schema.field(ofMetric: bytes)
            if datatype == nil { datatype = aliases?.datatype(of: bytes) }
        } else if let alias = metric.alias {
            let found = aliases?.withMetric(alias) { name, type in (schema.field(ofMetric: name), type) }
            guard let found else { throw PayloadFault(.unknownAlias, at: metric.start) }
            field = found.0
            if datatype == nil { datatype = found.1 }
        } else {
            throw PayloadFault(.notSparkplug, at: metric.start)
        }
        guard let token = metric.token(datatype: datatype) else {
            throw PayloadFault(.wrongType, field: field, at: metric.start)
        }
        if let field { try take(token, field, schema, payload, at: metric.start) }
    }

    private func take(
        _ token: PayloadToken, _ field: Int, _ schema: PayloadSchema, _ payload: Span<UInt8>, at offset: Int
    ) throws(PayloadFault) {
        isFound[field] = true
        if let reason = accept(token, field: field, schema: schema, payload: payload) {
            throw PayloadFault(reason, field: field, at: offset)
        }
    }
}
