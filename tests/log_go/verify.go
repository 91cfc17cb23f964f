// Command verify checks a log of decisions with an implementation written elsewhere: golang.org/x/mod/sumdb's note and
// tlog packages. It shares no code with Hearth, only the published formats (c2sp.org/tlog-tiles, signed-note,
// tlog-cosignature).
//
//	verify LOG-DIRECTORY LOG-KEY [WITNESS-KEY]
//	verify -proof FILE LOG-KEY
//
// It recounts the tree from the entry bundles, reads every leaf through the stored tiles, proves the first and last
// entries and the growth from every smaller size it is given, and prints the size and root.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "-proof" {
		return checkProof(args[1], args[2])
	}
	if len(args) != 2 && len(args) != 3 {
		return errors.New("usage: verify LOG-DIRECTORY LOG-KEY [WITNESS-KEY] | verify -proof FILE LOG-KEY")
	}
	tree, err := openFile(filepath.Join(args[0], "checkpoint"), args[1])
	if err != nil {
		return err
	}
	if err := checkLog(tiles{args[0]}, tree); err != nil {
		return err
	}
	if len(args) == 3 {
		if err := checkCosigned(args[0], args[1], args[2], tree); err != nil {
			return err
		}
	}
	fmt.Printf("%d %s\n", tree.N, tree.Hash)
	return nil
}

// openFile returns the tree in a signed checkpoint, once the log's signature on it holds.
func openFile(file, key string, more ...note.Verifier) (tlog.Tree, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return tlog.Tree{}, err
	}
	return open(content, key, more...)
}

func open(content []byte, key string, more ...note.Verifier) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(content, note.VerifierList(append(more, verifier)...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(opened.Sigs) != 1+len(more) {
		return tlog.Tree{}, fmt.Errorf("%d signatures hold, not %d", len(opened.Sigs), 1+len(more))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("it is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// tiles reads the log's tiles, for tlog.TileHashReader, which checks each against the signed root.
type tiles struct{ directory string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		// tlog writes tile/<height>/<level>/...; C2SP leaves the height out
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
		content, err := os.ReadFile(filepath.Join(t.directory, path))
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

// entries returns the log's entries from its bundles: each behind its length, big-endian uint16.
func (t tiles) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := min(size-first, 1<<height)
		tile := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/0/", height), "tile/entries/", 1)
		content, err := os.ReadFile(filepath.Join(t.directory, path))
		if err != nil {
			return nil, err
		}
		for len(content) > 0 {
			if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
				return nil, fmt.Errorf("%s ends in the middle of an entry", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(content))
			found, content = append(found, content[2:end]), content[end:]
		}
	}
	if int64(len(found)) != size {
		return nil, fmt.Errorf("the bundles hold %d entries, not %d", len(found), size)
	}
	return found, nil
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var read []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(h)) {
			return nil, errors.New("no such hash")
		}
		read = append(read, h[index])
	}
	return read, nil
}

func checkLog(log tiles, tree tlog.Tree) error {
	entries, err := log.entries(tree.N)
	if err != nil {
		return err
	}
	var counted hashes
	for at, entry := range entries {
		more, err := tlog.StoredHashesForRecordHash(int64(at), tlog.RecordHash(entry), counted)
		if err != nil {
			return err
		}
		counted = append(counted, more...)
	}
	root, err := tlog.TreeHash(tree.N, counted)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the signed root is not the root of the entries")
	}
	stored := tlog.TileHashReader(tree, log)
	for first := 0; first < len(entries); first += 1 << height {
		if err := checkTile(stored, entries[first:min(first+1<<height, len(entries))], int64(first)); err != nil {
			return err
		}
	}
	return checkGrowth(stored, counted, tree)
}

// checkTile reads the hashes of neighbouring entries from the stored tiles and compares them with the entries.
func checkTile(stored tlog.HashReader, entries [][]byte, first int64) error {
	var indexes []int64
	for at := range entries {
		indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(at)))
	}
	read, err := stored.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for at, hash := range read {
		if hash != tlog.RecordHash(entries[at]) {
			return fmt.Errorf("tile and bundle disagree on entry %d", first+int64(at))
		}
	}
	return nil
}

// checkGrowth proves from the stored tiles that the tree begins with each smaller one of a few sizes.
func checkGrowth(stored tlog.HashReader, counted hashes, tree tlog.Tree) error {
	for _, size := range []int64{1, tree.N / 3, tree.N / 2, tree.N - 1} {
		if size < 1 || size > tree.N {
			continue
		}
		old, err := tlog.TreeHash(size, counted)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, size, stored)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, old); err != nil {
			return err
		}
	}
	return nil
}

// witness checks a cosignature/v1: key id, eight bytes of time, Ed25519 over a header, the time and the text.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newWitness(line string) (witness, error) {
	parts := strings.SplitN(line, "+", 3)
	if len(parts) != 3 {
		return witness{}, errors.New("no witness key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		return witness{}, errors.New("no witness key of type 4")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return witness{}, errors.New("the witness key's id does not fit")
	}
	return witness{parts[0], hash, raw[1:]}, nil
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(w.key, []byte(message), sig[8:])
}

func checkCosigned(directory, key, witnessKey string, tree tlog.Tree) error {
	verifier, err := newWitness(witnessKey)
	if err != nil {
		return err
	}
	old, err := openFile(filepath.Join(directory, "cosigned"), key, verifier)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, tiles{directory}))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// checkProof checks what `hearth audit prove` prints.
func checkProof(file, key string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var proof struct {
		Entry      string
		Salt       []byte
		Index      int64
		Inclusion  []tlog.Hash
		Checkpoint string
	}
	if err := json.Unmarshal(content, &proof); err != nil {
		return err
	}
	tree, err := open([]byte(proof.Checkpoint), key)
	if err != nil {
		return err
	}
	salted := append([]byte("hearth/log-entry/v1\n"), byte(len(proof.Salt)))
	commitment := sha256.Sum256(append(append(salted, proof.Salt...), proof.Entry...))
	err = tlog.CheckRecord(proof.Inclusion, tree.N, tree.Hash, proof.Index, tlog.RecordHash(commitment[:]))
	if err != nil {
		return err
	}
	fmt.Printf("%d of %d\n", proof.Index, tree.N)
	return nil
}
