// The functions that Python calls, by ctypes: plain C, so that one build serves every release of Python.
//
// They take Arrow's buffers as addresses, keep none of them, and throw nothing. beam_taxi/kernel/library.py declares the
// same structs. Change kBeamTaxiKernelVersion there and here when either changes.

#ifndef BEAM_TAXI_KERNEL_H_
#define BEAM_TAXI_KERNEL_H_

#include <stdint.h>

#define BEAM_TAXI_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

enum { kBeamTaxiKernelVersion = 3 };

BEAM_TAXI_API int64_t beam_taxi_kernel_version(void);

// Chooses portable code (0) or, where the processor has them, its instructions for SHA-256 and CRC-32C (1, the
// default). Returns which are used now, as bits: 1 for SHA-256, 2 for CRC-32C.
BEAM_TAXI_API int64_t beam_taxi_use_instructions(int64_t use);

// The CRC-32C of some bytes and those behind them, from that of the former; 0 is that of none.
BEAM_TAXI_API uint32_t beam_taxi_crc32c(uint32_t crc, const uint8_t* data, int64_t size);

enum BeamTaxiStatus {
  kBeamTaxiOk = 0,
  kBeamTaxiNoMemory = 1,
  kBeamTaxiTooLarge = 2,  // A split's records would take 2 GiB or more.
  kBeamTaxiNotPlain = 3,
};

enum BeamTaxiKind {
  kBeamTaxiNull = 0,
  kBeamTaxiInt64 = 1,
  kBeamTaxiFloat = 2,
  kBeamTaxiBytes = 3,
  kBeamTaxiSkipped = 4,  // Only where columns are decoded.
};

// One column of a RecordBatch, as Arrow lays it out.
typedef struct {
  const uint8_t* name;
  int64_t name_size;
  int64_t kind;             // BeamTaxiKind, of the values.
  int64_t list_width;       // Bytes of an offset in `lists`; 0 where the column is not of lists.
  int64_t offset;           // Of the first row in `validity`, and in `lists` or, where there are none, the values.
  int64_t item_offset;      // Of the first item of a column of lists in the values.
  const uint8_t* validity;  // A bit a row; null where all are valid. Items of lists are all valid.
  const void* lists;
  const int32_t* ends;      // Of kBeamTaxiBytes: value i is data[ends[i], ends[i + 1]).
  const void* data;
} BeamTaxiColumn;

// Records side by side: record i is data[ends[i], ends[i + 1]). Given back with beam_taxi_free.
typedef struct {
  uint8_t* data;
  int32_t* ends;
  int64_t records;
} BeamTaxiRecords;

// Where the split of each row comes from.
enum BeamTaxiSplitting {
  kBeamTaxiOneSplit = 0,
  kBeamTaxiByHash = 1,  // Of the Example; written to `chosen`.
  kBeamTaxiGiven = 2,   // Read from `chosen`.
};

// Encodes rows as tf.Examples in TFRecord frames, and finds the split of each.
//
// columns       in the order in which an Example has them.
// missing       whether a null of a column that is not of lists is no feature, rather than an empty one.
// splitting     BeamTaxiSplitting.
// limits        with kBeamTaxiByHash, of each split: how many hash buckets it and those before it have, below 2^32.
// chosen        one split a row; null with kBeamTaxiOneSplit.
// records       one for each split, to be filled; null where only the splits are wanted. Empty unless the call is Ok.
BEAM_TAXI_API int64_t beam_taxi_encode(const BeamTaxiColumn* columns, int64_t column_count, int64_t rows,
                                       int64_t missing, int64_t splitting, const uint64_t* limits, int64_t splits,
                                       int32_t* chosen, BeamTaxiRecords* records);

BEAM_TAXI_API void beam_taxi_free(void* data);

// How CSV is written. Characters are ASCII, and no line end.
typedef struct {
  int64_t delimiter;
  int64_t quote;                  // -1 where cells are never quoted.
  int64_t skip_blank_lines;       // Whether a blank line is no row.
  const uint8_t* const* nulls;    // What stands for an empty cell, in quotes too, besides nothing.
  const int64_t* null_sizes;
  int64_t null_count;
} BeamTaxiDialect;

// What some bytes do to a reader that enters them inside or outside quotes. Places are offsets; -1 is no place.
typedef struct {
  int64_t first_end;    // The last byte of the line end that ends the first record.
  int64_t first_lines;  // How many lines end up to there.
  int64_t last_end;     // The same of the last record that ends.
  int64_t ends_inside;
  int64_t open_quote;   // The quote that is open at the end.
  int64_t quote_lines;  // How many lines end before it.
  int64_t plausible;    // Whether every quote, read so, begins or ends quoted text, as long as the state matters.
} BeamTaxiOutcome;

// Reads bytes for both states; outcomes[0] is that of a reader outside quotes. Returns how many lines end.
//
// previous      the byte before them, or -1 where they begin a file's first record.
BEAM_TAXI_API int64_t beam_taxi_enter(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect,
                                      int64_t previous, BeamTaxiOutcome* outcomes);

// A cell of a column, without its quotes.
typedef struct {
  int64_t column;
  int64_t begin;
  int64_t size;
} BeamTaxiCell;

// Looks at whole records, outside quotes at the beginning: how many rows there are, and the types of their cells.
//
// columns       how many cells a row has.
// types         of each column the highest type so far, as ColumnType numbers them: 0 unknown, 1 INT, 2 FLOAT, 3 STRING.
//               A column of type 3 is not looked at.
// odd           cells that Python has to judge, `odd_room` of them at most; some are there more than once.
// odd_count     how many.
// rows          how many rows.
//
// Returns kBeamTaxiOk, or kBeamTaxiNotPlain where a row has another number of cells, a cell goes on behind its quotes,
// the last quote is open or too many cells are odd; then nothing that was found is to be used.
BEAM_TAXI_API int64_t beam_taxi_examine(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect,
                                        int64_t columns, uint8_t* types, BeamTaxiCell* odd, int64_t odd_room,
                                        int64_t* odd_count, int64_t* rows);

// The cells of a column: of kBeamTaxiInt64 int64_t, of kBeamTaxiFloat float, of kBeamTaxiBytes side by side.
typedef struct {
  void* data;
  int32_t* ends;      // Of kBeamTaxiBytes: value i is data[ends[i], ends[i + 1]).
  uint8_t* validity;  // A bit a row; null where all are valid.
  int64_t nulls;
  int64_t size;       // Of `data`, in bytes.
} BeamTaxiValues;

// Decodes whole records, as beam_taxi_examine looks at them.
//
// kinds         BeamTaxiKind of each column; one of kBeamTaxiNull has no value at all, and of one of kBeamTaxiSkipped
//               nothing is kept.
// values        one for each column, to be filled. Its memory is given back with beam_taxi_free.
//
// Returns kBeamTaxiOk, kBeamTaxiNoMemory, or kBeamTaxiNotPlain where beam_taxi_examine does or a cell is no plain one of
// its column's kind. Then there are no values.
BEAM_TAXI_API int64_t beam_taxi_decode(const uint8_t* data, int64_t size, const BeamTaxiDialect* dialect,
                                       int64_t columns, const uint8_t* kinds, BeamTaxiValues* values, int64_t* rows);

enum BeamTaxiDamage {
  kBeamTaxiUndamaged = 0,
  kBeamTaxiDamagedLength = 1,  // A frame's length and the checksum of that do not agree.
  kBeamTaxiDamagedData = 2,    // A frame's data and the checksum of that do not agree.
};

// Checks frames of TFRecords that lie side by side, up to the first that is damaged or goes on behind the bytes.
//
// records       how many there are.
// damage        BeamTaxiDamage of the one behind them.
//
// Returns how many bytes they take.
BEAM_TAXI_API int64_t beam_taxi_check_frames(const uint8_t* data, int64_t size, int64_t* records, int64_t* damage);

#ifdef __cplusplus
}
#endif

#endif  // BEAM_TAXI_KERNEL_H_
