// What the page keeps on the phone: IndexedDB.

const NAME = "tessera-scan";
const VERSION = 1;

/** Stores, and the fields that name a row; a row of `things` is named apart from itself. */
const STORES = {
  // `device`: number, name, token, events to choose from; `at`: chosen event, gate, direction, language; `clock`: offset;
  // `earlier`: tokens of earlier registrations of this phone, by number.
  things: null,
  // Signed, as they came.
  snapshots: "event",
  changes: ["event", "number"],
  // Every scan that was made here: it is kept after it was told, in case that the server asks again.
  scans: ["device", "event", "number"],
  // Number of the next scan that the server wants.
  told: ["device", "event"],
  conflicts: ["device", "event", "number", "kind"],
};

const finished = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Rows of stores. */
export class Store {
  static async open() {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) {
        request.result.createObjectStore(name, keyPath ? { keyPath } : undefined);
      }
    };
    const store = new Store();
    store.database = await finished(request);
    return store;
  }

  /** One row, or undefined. */
  get(name, key) {
    return finished(this.database.transaction(name).objectStore(name).get(key));
  }

  /** The rows whose keys begin with these fields, ascending. */
  below(name, ...fields) {
    // An array is after every number and text.
    const range = IDBKeyRange.bound(fields, [...fields, []]);
    return finished(this.database.transaction(name).objectStore(name).getAll(range));
  }

  /** Every row. */
  all(name) {
    return finished(this.database.transaction(name).objectStore(name).getAll());
  }

  /** Writes, and has written when it resolves. `key` is for rows of `things`. */
  put(name, row, key) {
    return this.write([name], (stores) => stores[name].put(row, key));
  }

  /** Several writes, all of them or none; durable when it resolves. */
  write(names, fill) {
    const transaction = this.database.transaction(names, "readwrite", { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    fill(Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)])));
    return done;
  }

  /** Forgets an event's snapshot and changes, and writes others. */
  replaceSnapshot(snapshot) {
    return this.write(["snapshots", "changes"], ({ snapshots, changes }) => {
      snapshots.put(snapshot);
      changes.delete(IDBKeyRange.bound([snapshot.event], [snapshot.event, []]));
    });
  }

  /** Forgets everything. */
  clear() {
    const names = Object.keys(STORES);
    return this.write(names, (stores) => names.forEach((name) => stores[name].clear()));
  }
}
