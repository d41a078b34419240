import io.apicurio.registry.utils.converter.avro.AvroData;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Runs Debezium's own engine, once per properties file given, and prints what it publishes: a line of JSON per record,
 * with every value and schema spelled exactly (64-bit integers and floats as text, bytes as hex), and beside that the
 * text that Connect's JsonConverter makes of it with schemas.enable=false, and the Avro schema that AvroData (Confluent's,
 * in Apicurio's copy) makes of its schema. Ends when its standard input does.
 */
public final class DebeziumTap {
    private static final PrintStream out =
            new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);

    public static void main(String[] files) throws Exception {
        // Loggers print to what is standard output by default; that belongs to the records.
        System.setOut(System.err);
        List<DebeziumEngine<?>> engines = new ArrayList<>();
        ExecutorService threads = Executors.newCachedThreadPool();
        CountDownLatch ended = new CountDownLatch(files.length);
        for (String file : files) {
            Properties properties = new Properties();
            try (Reader reader = Files.newBufferedReader(Path.of(file))) {
                properties.load(reader);
            }
            Tap tap = new Tap(properties.getProperty("name"));
            DebeziumEngine<RecordChangeEvent<SourceRecord>> engine =
                    DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                            .using(properties)
                            .notifying(event -> tap.print(event.record()))
                            .using((success, message, error) -> {
                                tap.ended(success, message, error);
                                ended.countDown();
                            })
                            .build();
            engines.add(engine);
            threads.execute(engine);
        }
        while (System.in.read() >= 0) {
            // Nothing is asked; only the end matters.
        }
        for (DebeziumEngine<?> engine : engines) {
            try {
                engine.close();
            } catch (IOException | IllegalStateException alreadyEnded) {
                System.err.println("closing: " + alreadyEnded);
            }
        }
        ended.await();
        System.exit(0);
    }

    /** Prints the records of one engine. */
    private static final class Tap {
        private final String name;
        private final Map<Schema, Integer> schemas = new IdentityHashMap<>();
        private final AvroData avro = new AvroData(1_000);
        private final JsonConverter keyConverter = converter(true);
        private final JsonConverter valueConverter = converter(false);

        Tap(String name) {
            this.name = name;
        }

        private static JsonConverter converter(boolean isKey) {
            JsonConverter converter = new JsonConverter();
            converter.configure(Map.of("schemas.enable", "false"), isKey);
            return converter;
        }

        void print(SourceRecord record) {
            StringBuilder line = new StringBuilder("{\"kind\":\"record\"");
            int key = schemaId(record.keySchema());
            int value = schemaId(record.valueSchema());
            property(line, "engine", name);
            property(line, "topic", record.topic());
            line.append(",\"keySchema\":").append(key).append(",\"valueSchema\":").append(value);
            line.append(",\"key\":");
            Exact.value(line, record.keySchema(), record.key());
            line.append(",\"value\":");
            Exact.value(line, record.valueSchema(), record.value());
            property(line, "keyJson", text(keyConverter.fromConnectData(record.topic(), record.keySchema(), record.key())));
            property(line, "valueJson",
                    text(valueConverter.fromConnectData(record.topic(), record.valueSchema(), record.value())));
            line.append(",\"headers\":{");
            String separator = "";
            for (Header header : record.headers()) {
                line.append(separator);
                Exact.string(line, header.key());
                line.append(':');
                Exact.value(line, header.schema(), header.value());
                separator = ",";
            }
            write(line.append("}}"));
        }

        void ended(boolean success, String message, Throwable error) {
            StringBuilder line = new StringBuilder("{\"kind\":\"ended\",\"success\":").append(success);
            property(line, "engine", name);
            property(line, "message", message);
            property(line, "error", error == null ? null : String.valueOf(error));
            write(line.append('}'));
        }

        /** Prints each schema once; 0 stands for none. */
        private int schemaId(Schema schema) {
            if (schema == null) return 0;
            Integer known = schemas.get(schema);
            if (known != null) return known;
            int id = schemas.size() + 1;
            schemas.put(schema, id);
            StringBuilder line = new StringBuilder("{\"kind\":\"schema\",\"id\":").append(id);
            property(line, "engine", name);
            line.append(",\"schema\":");
            Exact.schema(line, schema);
            property(line, "avro", avroText(schema));
            write(line.append('}'));
            return id;
        }

        /** Null for names that Avro does not allow. */
        private String avroText(Schema schema) {
            try {
                return avro.fromConnectSchema(schema).toString();
            } catch (org.apache.avro.SchemaParseException illegal) {
                return null;
            }
        }

        private static String text(byte[] bytes) {
            return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
        }

        private static void property(StringBuilder line, String name, String value) {
            line.append(",\"").append(name).append("\":");
            Exact.string(line, value);
        }

        private static void write(StringBuilder line) {
            synchronized (out) {
                out.println(line);
                out.flush();
            }
        }
    }

    /** Connect's schemas and values as JSON that loses nothing. */
    private static final class Exact {
        static void schema(StringBuilder to, Schema schema) {
            to.append("{\"type\":\"").append(schema.type().getName()).append("\",\"optional\":").append(schema.isOptional());
            if (schema.name() != null) string(to.append(",\"name\":"), schema.name());
            if (schema.version() != null) to.append(",\"version\":").append(schema.version());
            if (schema.doc() != null) string(to.append(",\"doc\":"), schema.doc());
            if (schema.parameters() != null && !schema.parameters().isEmpty()) parameters(to, schema.parameters());
            if (schema.defaultValue() != null) value(to.append(",\"default\":"), schema, schema.defaultValue());
            switch (schema.type()) {
                case STRUCT -> fields(to, schema.fields());
                case ARRAY -> schema(to.append(",\"items\":"), schema.valueSchema());
                case MAP -> {
                    schema(to.append(",\"keys\":"), schema.keySchema());
                    schema(to.append(",\"values\":"), schema.valueSchema());
                }
                default -> { }
            }
            to.append('}');
        }

        private static void parameters(StringBuilder to, Map<String, String> parameters) {
            String separator = ",\"parameters\":{";
            for (Map.Entry<String, String> parameter : new TreeMap<>(parameters).entrySet()) {
                string(to.append(separator), parameter.getKey());
                string(to.append(':'), parameter.getValue());
                separator = ",";
            }
            to.append('}');
        }

        private static void fields(StringBuilder to, List<Field> fields) {
            String separator = ",\"fields\":[";
            for (Field field : fields) {
                string(to.append(separator).append("{\"name\":"), field.name());
                schema(to.append(",\"schema\":"), field.schema());
                to.append('}');
                separator = ",";
            }
            to.append(fields.isEmpty() ? ",\"fields\":[]" : "]");
        }

        static void value(StringBuilder to, Schema schema, Object value) {
            switch (value) {
                case null -> to.append("null");
                case Boolean truth -> to.append(truth);
                case Byte number -> string(to, number.toString());
                case Short number -> string(to, number.toString());
                case Integer number -> string(to, number.toString());
                case Long number -> string(to, number.toString());
                case Float number -> string(to, String.format("float:%08x", Float.floatToIntBits(number)));
                case Double number -> string(to, String.format("double:%016x", Double.doubleToLongBits(number)));
                case String text -> string(to, text);
                case java.math.BigDecimal number -> bytes(to, Decimal.fromLogical(schema, number));
                case byte[] bytes -> bytes(to, bytes);
                case ByteBuffer buffer -> {
                    byte[] bytes = new byte[buffer.remaining()];
                    buffer.duplicate().get(bytes);
                    bytes(to, bytes);
                }
                case Struct struct -> struct(to, struct);
                case List<?> list -> {
                    String separator = "[";
                    for (Object item : list) {
                        value(to.append(separator), schema.valueSchema(), item);
                        separator = ",";
                    }
                    to.append(list.isEmpty() ? "[]" : "]");
                }
                default -> throw new IllegalArgumentException("a value of " + value.getClass());
            }
        }

        private static void struct(StringBuilder to, Struct struct) {
            String separator = "{";
            for (Field field : struct.schema().fields()) {
                string(to.append(separator), field.name());
                // Not get(): that puts the schema's default in the place of a null.
                value(to.append(':'), field.schema(), struct.getWithoutDefault(field.name()));
                separator = ",";
            }
            to.append(struct.schema().fields().isEmpty() ? "{}" : "}");
        }

        private static void bytes(StringBuilder to, byte[] bytes) {
            string(to, "hex:" + HexFormat.of().formatHex(bytes));
        }

        static void string(StringBuilder to, String text) {
            if (text == null) {
                to.append("null");
                return;
            }
            to.append('"');
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '"' || c == '\\') to.append('\\').append(c);
                else if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c <= 0xdfff)) to.append(String.format("\\u%04x", (int) c));
                else to.append(c);
            }
            to.append('"');
        }
    }
}
